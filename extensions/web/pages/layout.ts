import type { Resources } from 'birdhouse'
import { html } from 'ghtml'
import { STYLE_PATH } from '../style.ts'
import { SPRITE } from './icons.ts'

export type Site = { name: string; description: string }
export type Page = {
  title: string
  /** The one address of the page, for search engines and previews. */
  path?: string
  /** HTML of the page's main part. */
  main: string
  /** Names and contents of `<meta>`, such as Open Graph's. */
  meta?: Record<string, string>
  /** A source of the Content-Security-Policy that a form of the page may redirect to. */
  formTarget?: string
}
/** The person who is signed in, and the hidden field of forms; or where a stranger signs in and up. */
type SignedIn = { me: Resources['OwnUser']; field: string }
type Stranger = { signIn: string; signUp: string }
export type Nav = SignedIn | Stranger

export const layout = (
  site: Site,
  { title, path, main, meta = {} }: Page,
  origin: string,
  nav: Nav,
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
!${'me' in nav ? SPRITE : ''}
<a class="skip" href="#main">Skip to the content</a>
<header class="top"><div class="column">
<a class="brand" href="/"><img src="/web/icon.svg" alt="" width="28" height="28"> <span dir="auto">${site.name}</span></a>
!${'me' in nav ? signedIn(nav) : stranger(nav)}
</div></header>
<main id="main" class="column">
!${main}
</main>
<footer class="column"><p>This server runs Birdhouse. <a href="/docs">API</a></p></footer>
</body>
</html>
`

const stranger = ({ signIn, signUp }: Stranger) =>
  html`<nav aria-label="Site"><a href="${signIn}">Sign in</a> <a class="button" href="${signUp}">Sign up</a></nav>`

function signedIn({ me, field }: SignedIn) {
  const { handle, unreadNotificationCount: unread = 0 } = me
  return html`<nav aria-label="Site"><a href="/">Home</a> <a href="/latest">Latest</a> <a href="/notifications">Notifications!${
    unread > 0 ? html` <span class="badge">${unread}<span class="hidden"> unread</span></span>` : ''
  }</a> <a href="/bookmarks">Bookmarks</a> <a href="/@${handle}">Profile</a> <a href="/settings">Settings</a>
<form method="post" action="/sign-out">!${field}<button class="link">Sign out</button></form></nav>`
}

/** Open Graph names its properties in `property`, HTML in `name`. */
const metaTag = (name: string, content: string) =>
  name.startsWith('og:')
    ? html`<meta property="${name}" content="${content}">`
    : html`<meta name="${name}" content="${content}">`

export const olderLink = (path: string, nextCursor: string | null, label = 'Older tweets') =>
  nextCursor
    ? html`<p class="older"><a rel="next" href="${path}?cursor=${encodeURIComponent(nextCursor)}">${label}</a></p>`
    : ''
