import fanOut from './fan-out.ts'
import firstPage from './first-page.ts'
import firstTweet from './first-tweet.ts'
import idle from './idle.ts'
import likeHot from './like-hot.ts'
import likeSpread from './like-spread.ts'
import type { Line } from './line.ts'
import loginStorm from './login-storm.ts'
import manyReaders from './many-readers.ts'
import mastodonHome from './mastodon-home.ts'
import memory from './memory.ts'
import pageBeyond from './page-beyond.ts'
import pageDepth from './page-depth.ts'
import pageFollowees from './page-followees.ts'
import pageHistory from './page-history.ts'
import readsBesideBacklog from './reads-beside-backlog.ts'
import readsBesideWrites from './reads-beside-writes.ts'
import singleTweet from './single-tweet.ts'
import statements from './statements.ts'
import timelinePage from './timeline-page.ts'
import tweet from './tweet.ts'
import tweetFollowers from './tweet-followers.ts'
import withoutFeed from './without-feed.ts'

/** In the order of the page; reads come before the writes that would change their data. */
export const lines: Line[] = [
  firstPage,
  manyReaders,
  timelinePage,
  mastodonHome,
  withoutFeed,
  statements,
  idle,
  firstTweet,
  singleTweet,
  pageFollowees,
  pageHistory,
  pageDepth,
  pageBeyond,
  readsBesideWrites,
  readsBesideBacklog,
  tweet,
  likeSpread,
  likeHot,
  tweetFollowers,
  fanOut,
  loginStorm,
  memory,
]
