import { html } from 'ghtml'
import { STYLE_PATH } from '../style.ts'

export type Site = { name: string; description: string }
export type Page = {
  title: string
  /** The one address of the page, for search engines and previews. */
  path?: string
  /** HTML of the page's main part. */
  main: string
  /** Names and contents of `<meta>`, such as Open Graph's. */
  meta?: Record<string, string>
}

export const layout = (
  site: Site,
  { title, path, main, meta = {} }: Page,
  origin: string,
) => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title === site.name ? title : `${title} - ${site.name}`}</title>
!${Object.entries(meta)
  .map(([name, content]) => metaTag(name, content))
  .join('\n')}
!${
  path === undefined
    ? ''
    : html`<link rel="canonical" href="${origin}${path}">
!${metaTag('og:url', origin + path)}`
}
<link rel="stylesheet" href="${STYLE_PATH}">
<link rel="icon" href="/web/icon.svg" type="image/svg+xml">
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top"><div class="column">
<a class="brand" href="/"><img src="/web/icon.svg" alt="" width="28" height="28"> <span dir="auto">${site.name}</span></a>
<nav aria-label="Site"><a href="/join">Sign up</a> <a href="/docs">API</a></nav>
</div></header>
<main id="main" class="column">
!${main}
</main>
<footer class="column"><p>This server runs Birdhouse.</p></footer>
</body>
</html>
`

/** Open Graph names its properties in `property`, HTML in `name`. */
const metaTag = (name: string, content: string) =>
  name.startsWith('og:')
    ? html`<meta property="${name}" content="${content}">`
    : html`<meta name="${name}" content="${content}">`

export const olderLink = (path: string, nextCursor: string | null) =>
  nextCursor
    ? html`<p class="older"><a rel="next" href="${path}?cursor=${encodeURIComponent(nextCursor)}">Older tweets</a></p>`
    : ''
