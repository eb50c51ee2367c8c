import type { Resources } from 'birdhouse'
import { html } from 'ghtml'
import { languageOf, linkedText } from '../text.ts'
import { hidden } from './form.ts'
import { type Icon, icon } from './icons.ts'

type Tweet = Resources['Tweet']
type Body = Resources['TweetBody']
type Person = Resources['UserSummary']
type Picture = Body['media'][number]

/** Values for the forms of a page; strangers have none. */
export type View = {
  viewerId: number
  /** The hidden field of forms. */
  token: string
  /** The path of this page, to which forms come back. */
  here: string
}
type Options = { view?: View | undefined; large?: boolean; menu?: string | undefined }

const moment = new Intl.DateTimeFormat('en', {
  dateStyle: 'medium',
  timeStyle: 'short',
  timeZone: 'UTC',
})

export const pathOf = ({ id, author }: Body) => `/@${author?.handle}/${id}`

export const time = (at: string) =>
  html`<time datetime="${at}">${moment.format(new Date(at))} UTC</time>`

/** A list of tweets; one that stands for a retweet shows the original and who retweeted it. */
export const tweetList = (tweets: Tweet[], nothing: string, view?: View) =>
  tweets.length === 0
    ? html`<p class="empty">${nothing}</p>`
    : html`<ol class="tweets">!${tweets.map((one) => html`<li>!${tweet(one, { view })}</li>`)}</ol>`

export function tweet(one: Tweet, { large = false, view, menu = '' }: Options = {}) {
  const body = one.retweetOf ?? one
  const { author, deleted } = body
  if (deleted || !author)
    return html`<article class="tweet gone"><p>This tweet was deleted.</p></article>`
  return html`<article class="tweet${large ? ' large' : ''}" id="t${one.id}">
!${one.retweetOf && one.author ? retweetedBy(one.author) : ''}
!${avatar(author, large ? 56 : 44)}
<div class="content">
<p class="by"><a class="name" href="/@${author.handle}"><bdi>${author.name}</bdi></a> <span class="handle">@${author.handle}</span>
<a class="time" href="${pathOf(body)}">!${time(body.createdAt)}</a></p>!${menu}
!${body.replyTo?.author ? html`<p class="reply">In reply to <a href="/@${body.replyTo.author.handle}/${body.replyTo.id}">@${body.replyTo.author.handle}</a></p>` : ''}
!${text(body)}
!${pictures(body.media)}
!${view ? acts(body, one.id, view) : counts(body)}
</div>
</article>`
}

const retweetedBy = ({ handle, name }: Person) =>
  html`<p class="retweet"><a href="/@${handle}"><bdi>${name}</bdi></a> retweeted</p>`

function text(body: Body) {
  if (!body.text) return ''
  const language = body.language ?? languageOf(body.text)
  return html`<div class="text" dir="auto"!${language && html` lang="${language}"`}>!${linkedText(body)}</div>`
}

const pictures = (media: Picture[]) =>
  media.length === 0
    ? ''
    : html`<div class="pictures of-${media.length}">!${media.map(picture)}</div>`

const picture = ({ alt, width, height, variants: { medium, large } }: Picture) =>
  html`<a href="${large.url}"><img src="${medium.url}" alt="${alt || 'A picture without a description'}" width="${width}" height="${height}" loading="lazy"></a>`

function counts({ replyCount, retweetCount, likeCount }: Body) {
  const shown = [
    [replyCount, 'reply', 'replies'],
    [retweetCount, 'retweet', 'retweets'],
    [likeCount, 'like', 'likes'],
  ] as const
  const items = shown.map(
    ([count, one, many]) => html`<li>${count} ${count === 1 ? one : many}</li>`,
  )
  return html`<ul class="counts">!${items}</ul>`
}

/** One form for a tweet; its buttons differ in where they send it. `shownId` is a retweet's own id in a list. */
function acts(body: Body, shownId: number, { viewerId, token, here }: View) {
  const { id, author, bookmarked, liked, likeCount, replyCount, retweeted, retweetCount } = body
  const back = hidden({ return_to: `${here}#t${shownId}` })
  return html`<form method="post" action="/tweets/${id}/like" class="acts">!${token}!${back}
<a href="${pathOf(body)}#reply">!${icon('reply')}!${label('Reply', replyCount)}</a>
!${act(body, 'retweet', retweeted ? ['undo-retweet', 'Undo retweet'] : ['retweet', 'Retweet'], retweeted, retweetCount)}
!${act(body, 'like', liked ? ['unlike', 'Unlike'] : ['like', 'Like'], liked, likeCount)}
!${bookmarked === undefined ? '' : act(body, 'bookmark', bookmarked ? ['unbookmark', 'Delete bookmark'] : ['bookmark', 'Bookmark'], bookmarked)}
!${author?.id === viewerId ? html`<a href="/tweets/${id}/delete">!${icon('delete')}!${label('Delete')}</a>` : ''}
</form>`
}

const act = (
  { id }: Body,
  shape: Icon,
  [name, words]: [string, string],
  isOn = false,
  count?: number,
) =>
  html`<button formaction="/tweets/${id}/${name}" class="!${shape}!${isOn ? ' on' : ''}">!${icon(shape)}!${label(words, count)}</button>`

/** The words are for screen readers and as a tooltip; the picture says the same. */
const label = (words: string, count?: number) =>
  html`<span class="hidden">${words}</span>!${count ? html` <span>${count}</span>` : ''}`

/** Beside the name, which a screen reader reads; without a picture the first letter stands for it. */
export const avatar = ({ avatar, name }: Pick<Person, 'avatar' | 'name'>, size: number) =>
  avatar
    ? html`<img class="avatar" src="${avatar.medium}" alt="" width="${size}" height="${size}">`
    : html`<span class="avatar none" aria-hidden="true">${[...name][0] ?? ''}</span>`
