import fanOut from './fan-out.ts'
import likeHot from './like-hot.ts'
import likeSpread from './like-spread.ts'
import type { Line } from './line.ts'
import loginStorm from './login-storm.ts'
import memory from './memory.ts'
import pageBeyond from './page-beyond.ts'
import pageDepth from './page-depth.ts'
import pageFollowees from './page-followees.ts'
import pageHistory from './page-history.ts'
import singleTweet from './single-tweet.ts'
import timelinePage from './timeline-page.ts'
import tweet from './tweet.ts'
import tweetFollowers from './tweet-followers.ts'

/** In the order of the page; reads come before the writes that would change their data. */
export const lines: Line[] = [
  timelinePage,
  singleTweet,
  pageFollowees,
  pageHistory,
  pageDepth,
  pageBeyond,
  tweet,
  likeSpread,
  likeHot,
  tweetFollowers,
  fanOut,
  loginStorm,
  memory,
]
