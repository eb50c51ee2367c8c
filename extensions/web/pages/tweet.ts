import type { Resources } from 'birdhouse'
import { html } from 'ghtml'
import { languageOf, linkedText } from '../text.ts'

type Tweet = Resources['Tweet']
type Body = Resources['TweetBody']
type Person = Resources['UserSummary']
type Picture = Body['media'][number]

const moment = new Intl.DateTimeFormat('en', {
  dateStyle: 'medium',
  timeStyle: 'short',
  timeZone: 'UTC',
})

export const pathOf = ({ id, author }: Body) => `/@${author?.handle}/${id}`

/** A list of tweets; one that stands for a retweet shows the original and who retweeted it. */
export const tweetList = (tweets: Tweet[], nothing: string) =>
  tweets.length === 0
    ? html`<p class="empty">${nothing}</p>`
    : html`<ol class="tweets">!${tweets.map((one) => html`<li>!${tweet(one)}</li>`)}</ol>`

export function tweet(one: Tweet, { large = false } = {}) {
  const body = one.retweetOf ?? one
  const { author, deleted } = body
  if (deleted || !author)
    return html`<article class="tweet gone"><p>This tweet was deleted.</p></article>`
  return html`<article class="tweet${large ? ' large' : ''}">
!${one.retweetOf && one.author ? retweetedBy(one.author) : ''}
!${avatar(author, large ? 56 : 44)}
<div class="content">
<p class="by"><a class="name" href="/@${author.handle}"><bdi>${author.name}</bdi></a> <span class="handle">@${author.handle}</span>
<a class="time" href="${pathOf(body)}"><time datetime="${body.createdAt}">${moment.format(new Date(body.createdAt))} UTC</time></a></p>
!${body.replyTo?.author ? html`<p class="reply">In reply to <a href="/@${body.replyTo.author.handle}/${body.replyTo.id}">@${body.replyTo.author.handle}</a></p>` : ''}
!${text(body)}
!${pictures(body.media)}
!${counts(body)}
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

/** Beside the name, which a screen reader reads; without a picture the first letter stands for it. */
export const avatar = ({ avatar, name }: Pick<Person, 'avatar' | 'name'>, size: number) =>
  avatar
    ? html`<img class="avatar" src="${avatar.medium}" alt="" width="${size}" height="${size}">`
    : html`<span class="avatar none" aria-hidden="true">${[...name][0] ?? ''}</span>`
