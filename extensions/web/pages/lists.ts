import type { Resources } from 'birdhouse'
import { html } from 'ghtml'
import { olderLink, type Site } from './layout.ts'
import { tweetList } from './tweet.ts'

type TweetPage = { items: Resources['Tweet'][]; nextCursor: string | null }

/** `tweets` is undefined where the public timeline is private. */
export const homePage = (
  site: Site,
  tweets: TweetPage | undefined,
) => html`<section class="welcome">
<h1 dir="auto">${site.name}</h1>
!${site.description && html`<p dir="auto">${site.description}</p>`}
</section>
!${
  tweets
    ? html`<h2>Latest tweets</h2>!${tweetList(tweets.items, 'Nobody has tweeted yet.')}!${olderLink('/', tweets.nextCursor)}`
    : html`<p class="empty">Only people with an account can read the tweets here.</p>`
}`

export const tagPage = (tag: string, tweets: TweetPage) => html`<h1>#<bdi>${tag}</bdi></h1>
!${tweetList(tweets.items, 'Nobody has used this hashtag yet.')}
!${olderLink(`/tags/${encodeURIComponent(tag)}`, tweets.nextCursor)}`

export const errorPage = (title: string, detail: string) => html`<section class="welcome">
<h1>${title}</h1>
<p>${detail}</p>
<p><a href="/">Go to the first page</a></p>
</section>`
