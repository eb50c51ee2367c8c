import type { Resources } from 'birdhouse'
import { html } from 'ghtml'
import { LinkifyIt } from 'linkify-it'

type Tweet = Pick<Resources['TweetBody'], 'text' | 'entities'>
type Link = { start: number; end: number; href: string; outside?: boolean }

/** Only addresses that begin with http:// or https:// are links. */
const linkify = new LinkifyIt({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false })
  .add('ftp:', null)
  .add('mailto:', null)
  .add('//', null)

/** The text of a tweet as HTML: escaped, with links for addresses, hashtags and mentions. */
export function linkedText({ text, entities }: Tweet) {
  if (!text) return ''
  const links = withoutOverlaps([...addresses(text), ...tagsAndPeople(text, entities)])
  let index = 0
  const parts = links.map(({ start, end, href, outside }) => {
    const before = text.slice(index, start)
    index = end
    const label = text.slice(start, end)
    return outside
      ? html`${before}<a href="${href}" rel="nofollow noopener noreferrer ugc">${label}</a>`
      : html`${before}<a href="${href}">${label}</a>`
  })
  return html`!${parts}${text.slice(index)}`
}

const addresses = (text: string): Link[] =>
  (linkify.match(text) ?? []).map(({ index, lastIndex, url }) => ({
    start: index,
    end: lastIndex,
    href: url,
    outside: true,
  }))

function tagsAndPeople(text: string, entities: Tweet['entities']): Link[] {
  if (!entities) return []
  const toUnits = codeUnitOffsets(text)
  const at = ({ start, end }: { start: number; end: number }, href: string) => ({
    start: toUnits(start),
    end: toUnits(end),
    href,
  })
  return [
    ...entities.hashtags.map((one) => at(one, `/tags/${encodeURIComponent(one.tag)}`)),
    ...entities.mentions.map((one) => at(one, `/@${one.handle}`)),
  ]
}

/** Entities count code points; strings of JavaScript count UTF-16 code units. */
function codeUnitOffsets(text: string) {
  const offsets = [0]
  for (const character of text) offsets.push((offsets.at(-1) ?? 0) + character.length)
  return (codePoints: number) => offsets[codePoints] ?? text.length
}

function withoutOverlaps(links: Link[]) {
  let end = 0
  return links
    .sort((one, other) => one.start - other.start)
    .filter((link) => {
      if (link.start < end) return false
      end = link.end
      return true
    })
}

/** Fonts and line breaks differ by language; a tweet does not say which language it is in. */
export const languageOf = (text: string | null) =>
  text && /\p{sc=Hangul}/u.test(text)
    ? 'ko'
    : text && /\p{sc=Hira}|\p{sc=Kana}/u.test(text)
      ? 'ja'
      : ''
