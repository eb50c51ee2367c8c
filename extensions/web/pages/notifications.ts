import type { Resources } from 'birdhouse'
import { html } from 'ghtml'
import { hidden } from './form.ts'
import { olderLink } from './layout.ts'
import { avatar, pathOf, time, tweet, type View } from './tweet.ts'

type Notification = Resources['Notification']
type NotificationPage = { items: Notification[]; nextCursor: string | null }

/** Kinds whose tweet is written for the reader, and shown as in a list. */
const WITH_TWEET = new Set<string>(['reply', 'mention'])
const DID: Record<string, string> = {
  like: 'liked your tweet',
  retweet: 'retweeted your tweet',
  follow: 'followed you',
  reply: 'replied to you',
  mention: 'mentioned you',
}

export const notificationsPage = ({ items, nextCursor }: NotificationPage, view: View) => {
  const newest = Math.max(...items.map(({ latestId }) => latestId))
  const isUnread = items.some(({ read }) => !read)
  return html`<div class="title"><h1>Notifications</h1>
!${isUnread ? html`<form method="post" action="/notifications/read">!${view.token}!${hidden({ up_to: String(newest) })}<button class="quiet">Mark as read</button></form>` : ''}
</div>
!${
    items.length === 0
      ? html`<p class="empty">Nothing yet. You hear here who follows you, and who likes, retweets or answers your tweets.</p>`
      : html`<ol class="tweets">!${items.map((one) => html`<li>!${notification(one, view)}</li>`)}</ol>`
  }
!${olderLink('/notifications', nextCursor, 'Older notifications')}`
}

function notification(one: Notification, view: View) {
  const { kind, latestAt, people, read, tweet: about } = one
  const isShown = about && WITH_TWEET.has(kind)
  return html`<div class="notice!${read ? '' : ' unread'}">
<p>!${read ? '' : '<span class="hidden">Unread: </span>'}!${people.map((person) => avatar(person, 32))} !${sentence(one)} <span class="time">!${time(latestAt)}</span></p>
!${about && !isShown ? html`<p class="about" dir="auto"><a href="${pathOf(about)}">${about.text || 'A tweet with pictures'}</a></p>` : ''}
</div>!${isShown ? tweet(about, { view }) : ''}`
}

function sentence({ kind, people, peopleCount }: Notification) {
  if (kind === 'moderation')
    return 'A moderator has acted on your account, or on something that you posted.'
  const others = peopleCount - people.length
  const names = [
    ...people.map(
      ({ handle, name }) => html`<a class="name" href="/@${handle}"><bdi>${name}</bdi></a>`,
    ),
    ...(others > 0 ? [others === 1 ? 'one other' : `${others} others`] : []),
  ]
  const last = names.pop() ?? 'Somebody'
  const all = names.length > 0 ? `${names.join(', ')} and ${last}` : last
  return html`!${all} ${DID[kind] ?? 'did something that concerns you'}`
}
