import type { Resources } from 'birdhouse'
import { html } from 'ghtml'
import { olderLink } from './layout.ts'
import { avatar, tweetList } from './tweet.ts'

type TweetPage = { items: Resources['Tweet'][]; nextCursor: string | null }

export const personPage = (
  user: Resources['User'],
  tweets: TweetPage,
) => html`<section class="person">
!${user.header ? html`<img class="banner" src="${user.header.medium}" alt="" width="960" height="320">` : ''}
!${avatar(user, 96)}
<h1><bdi>${user.name}</bdi></h1>
<p class="handle">@${user.handle}</p>
!${user.profile ? html`<p class="profile" dir="auto">${user.profile}</p>` : ''}
<ul class="counts"><li>${user.tweetCount} tweets</li><li>${user.followeeCount} following</li><li>${user.followerCount} followers</li></ul>
</section>
<h2>Tweets</h2>
!${tweetList(tweets.items, 'There are no tweets yet.')}
!${olderLink(`/@${user.handle}`, tweets.nextCursor)}`

export const personMeta = (user: Resources['User']) => ({
  description: user.profile || `Tweets by ${user.name}`,
  'og:type': 'profile',
  'og:title': `${user.name} (@${user.handle})`,
  'og:description': user.profile || `Tweets by ${user.name}`,
  ...(user.avatar && { 'og:image': user.avatar.large }),
})
