import type { Resources } from 'birdhouse'
import { html } from 'ghtml'
import { olderLink } from './layout.ts'
import { menu } from './menu.ts'
import { pathOf, tweet, tweetList, type View } from './tweet.ts'

type Tweet = Resources['Tweet']
export type Thread = {
  /** The tweets that this one replies to, the oldest first. */
  ancestors: Tweet[]
  tweet: Tweet
  replies: { items: Tweet[]; nextCursor: string | null }
}

/** Characters of a text in a title. */
const TITLE = 80

/** `reply` is the form of a reply; `author` is for the menu of a tweet that the viewer has not written. */
export const threadPage = (
  { ancestors, tweet: shown, replies }: Thread,
  reply: string,
  view?: View,
  author?: Resources['User'],
) => html`<h1 class="hidden">Tweet by ${shown.author?.name}</h1>
!${ancestors.length > 0 ? html`<div class="ancestors">!${tweetList(ancestors, '', view)}</div>` : ''}
!${tweet(shown, { large: true, view, menu: view && author && menu(author, view, `${pathOf(shown)}/report`) })}
!${reply}
<h2>Replies</h2>
!${tweetList(replies.items, 'There are no replies yet.', view)}
!${olderLink(pathOf(shown), replies.nextCursor)}`

export const threadTitle = ({ text, author }: Tweet) => {
  const [...characters] = (text ?? '').replaceAll(/\s+/g, ' ')
  const short = characters.length > TITLE ? `${characters.slice(0, TITLE).join('')}...` : text
  return short ? `${author?.name}: ${short}` : `${author?.name}`
}

export function threadMeta({ text, author, media }: Tweet) {
  const [first] = media
  return {
    description: text ?? '',
    'og:type': 'article',
    'og:title': `${author?.name} (@${author?.handle})`,
    'og:description': text ?? '',
    ...(first && { 'og:image': first.variants.large.url, 'og:image:alt': first.alt }),
    'twitter:card': first ? 'summary_large_image' : 'summary',
  }
}
