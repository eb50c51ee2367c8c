import { html } from 'ghtml'

type Span = { start: number; end: number }
type Entities = {
  hashtags: (Span & { tag: string })[]
  mentions: (Span & { handle: string; userId: number })[]
}

const NONE: Entities = { hashtags: [], mentions: [] }
const LINK = /https?:\/\/[^\s<>"。、，！？「」『』（）]*[^\s<>"。、，！？「」『』（）.,:;!?'）)\]]/g

/** The HTML of a text, in the form of Mastodon: paragraphs, links, hashtags and mentions. */
export function toHtml(text: string, entities: Entities = NONE, origin: string) {
  const chars = [...text]
  const links = [
    ...entities.hashtags.map(({ start, end, tag }) => ({
      start,
      end,
      html: html`<a href="${origin}/tags/${encodeURIComponent(tag)}" class="mention hashtag" rel="tag">#<span>${tag}</span></a>`,
    })),
    ...entities.mentions.map(({ start, end, handle }) => ({
      start,
      end,
      html: html`<span class="h-card"><a href="${origin}/@${handle}" class="u-url mention">@<span>${handle}</span></a></span>`,
    })),
  ].sort((a, b) => a.start - b.start)
  let at = 0
  let content = ''
  for (const { start, end, html } of links) {
    if (start < at) continue
    content += linked(chars.slice(at, start).join('')) + html
    at = end
  }
  content += linked(chars.slice(at).join(''))
  return content === ''
    ? ''
    : `<p>${content.replaceAll(/\n{2,}/g, '</p><p>').replaceAll('\n', '<br />')}</p>`
}

/** A text with its addresses as links. */
export function linked(text: string) {
  let at = 0
  let content = ''
  for (const { 0: url, index } of text.matchAll(LINK)) {
    const shown = html`<a href="${url}" target="_blank" rel="nofollow noopener noreferrer">${url}</a>`
    content += html`${text.slice(at, index)}!${shown}`
    at = index + url.length
  }
  return content + html`${text.slice(at)}`
}
