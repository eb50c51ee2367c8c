import type { Resources } from 'birdhouse'
import { html } from 'ghtml'
import { hidden } from './form.ts'
import { olderLink } from './layout.ts'
import { menu } from './menu.ts'
import { avatar, tweetList, type View } from './tweet.ts'

type TweetPage = { items: Resources['Tweet'][]; nextCursor: string | null }

export const personPage = (
  user: Resources['User'],
  tweets: TweetPage,
  view?: View,
) => html`<section class="person">
!${user.header ? html`<img class="banner" src="${user.header.medium}" alt="" width="960" height="320">` : ''}
<div class="head">!${avatar(user, 96)}!${view && view.viewerId !== user.id ? acts(user, view) : ''}</div>
<h1><bdi>${user.name}</bdi></h1>
<p class="handle">@${user.handle}!${user.followedBy ? ' <span class="badge">Follows you</span>' : ''}!${user.muting ? ' <span class="badge">Muted</span>' : ''}</p>
!${user.profile ? html`<p class="profile" dir="auto">${user.profile}</p>` : ''}
<ul class="counts"><li>${user.tweetCount} tweets</li><li>${user.followeeCount} following</li><li>${user.followerCount} followers</li></ul>
</section>
<h2>Tweets</h2>
!${tweetList(tweets.items, 'There are no tweets yet.', view)}
!${olderLink(`/@${user.handle}`, tweets.nextCursor)}`

const acts = (user: Resources['User'], view: View) =>
  html`<div class="relation">!${user.blocking ? '<span class="aside">You block this person.</span>' : followForm(user, view)}!${menu(user, view, `/@${user.handle}/report`)}</div>`

const followForm = ({ handle, following }: Resources['User'], { token, here }: View) =>
  html`<form method="post" action="/@${handle}/${following ? 'unfollow' : 'follow'}">!${token}!${hidden({ return_to: here })}<button!${following ? ' class="quiet"' : ''}>${following ? 'Unfollow' : 'Follow'}</button></form>`

export const personMeta = (user: Resources['User']) => ({
  description: user.profile || `Tweets by ${user.name}`,
  'og:type': 'profile',
  'og:title': `${user.name} (@${user.handle})`,
  'og:description': user.profile || `Tweets by ${user.name}`,
  ...(user.avatar && { 'og:image': user.avatar.large }),
})
