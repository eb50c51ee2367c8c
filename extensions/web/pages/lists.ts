import type { Resources } from 'birdhouse'
import { html } from 'ghtml'
import { olderLink, type Site } from './layout.ts'
import { tweetList, type View } from './tweet.ts'

type TweetPage = { items: Resources['Tweet'][]; nextCursor: string | null }

/** The first page of strangers; `tweets` is undefined where the public timeline is private. */
export const welcomePage = (
  site: Site,
  tweets: TweetPage | undefined,
) => html`<section class="welcome hero">
<h1 dir="auto">${site.name}</h1>
!${site.description && html`<p dir="auto">${site.description}</p>`}
<p><a class="button" href="/join">Sign up</a> <a class="button quiet" href="/sign-in">Sign in</a></p>
</section>
!${
  tweets
    ? html`<h2>Latest tweets</h2>!${tweetList(tweets.items, 'Nobody has tweeted yet.')}!${olderLink('/', tweets.nextCursor)}`
    : html`<p class="empty">Only people with an account can read the tweets here.</p>`
}`

export const latestPage = (tweets: TweetPage, view?: View) => html`<h1>Latest tweets</h1>
!${tweetList(tweets.items, 'Nobody has tweeted yet.', view)}
!${olderLink('/latest', tweets.nextCursor)}`

/** The home timeline. `latest` is shown to people whose timeline is empty. */
export const homePage = (
  compose: string,
  tweets: TweetPage,
  latest: TweetPage | undefined,
  view: View,
) => html`<h1 class="hidden">Home</h1>
!${compose}
!${
  latest
    ? html`<section class="empty"><h2>Your timeline is still empty</h2>
<p>Tweets of people whom you follow appear here. Open the profile of somebody below whose tweets you like, and follow that person.</p></section>
<h2>Latest tweets of everyone</h2>!${tweetList(latest.items, 'Nobody has tweeted yet: be the first.', view)}!${olderLink('/latest', latest.nextCursor)}`
    : html`<h2>Your timeline</h2>!${tweetList(tweets.items, 'There are no older tweets.', view)}!${olderLink('/', tweets.nextCursor)}`
}`

export const bookmarksPage = (tweets: TweetPage, view: View) => html`<h1>Bookmarks</h1>
!${tweetList(tweets.items, 'You have no bookmarks yet. A bookmark keeps a tweet for later; nobody else sees it.', view)}
!${olderLink('/bookmarks', tweets.nextCursor)}`

export const tagPage = (
  tag: string,
  tweets: TweetPage,
  view?: View,
) => html`<h1>#<bdi>${tag}</bdi></h1>
!${tweetList(tweets.items, 'Nobody has used this hashtag yet.', view)}
!${olderLink(`/tags/${encodeURIComponent(tag)}`, tweets.nextCursor)}`

export const errorPage = (title: string, sentence: string) => html`<section class="welcome">
<h1>${title}</h1>
<p>${sentence}</p>
<p><a href="/">Go to the first page</a></p>
</section>`
