import type { FastifyInstance } from 'birdhouse'
import fp from 'fastify-plugin'
import type {} from './config.ts'
import { createTimelineJobs } from './jobs.ts'
import { measureFanOut } from './metrics.ts'
import { createReaders } from './read/readers.ts'
import { createSkeleton, type TimelineRequest } from './read/skeleton.ts'

declare module 'fastify' {
  interface FastifyInstance {
    timeline: ReturnType<typeof createTimeline>
  }
  interface JobPayloads {
    'timeline.fanOut': { tweetId: number }
    'timeline.follow': EventPayloads['user.followed']
    'timeline.unfollow': EventPayloads['user.unfollowed']
    'timeline.fill': { readerId: number }
    'timeline.mergeAuthor': { authorId: number }
    'timeline.fillAuthor': { authorId: number }
    'timeline.sweep': object
    'timeline.retire': object
  }
}

/** Seconds between two runs. */
const DELIVER_OVERDUE_EVERY = 60
const DROP_IDLE_EVERY = 3600
/** Seconds per job with many followers or followees; a killed job continues where it stopped. */
const TIMEOUT = 3600

/** Tweets that one job slot fans out together. */
const FAN_OUT_BATCH = 50

function createTimeline(app: FastifyInstance) {
  const jobs = createTimelineJobs(app)
  const long = { timeout: TIMEOUT }
  app.events.subscribe('tweet.created', 'timeline.fanOut', jobs.fanOut, {
    ...long,
    batch: FAN_OUT_BATCH,
  })
  app.events.subscribe('user.followed', 'timeline.follow', jobs.onFollow)
  app.events.subscribe('user.unfollowed', 'timeline.unfollow', jobs.onUnfollow)
  app.jobs.define('timeline.fill', jobs.fill, long)
  app.jobs.define('timeline.mergeAuthor', jobs.mergeAuthor, long)
  app.jobs.define('timeline.fillAuthor', jobs.fillAuthor, long)
  app.jobs.every('timeline.sweep', DELIVER_OVERDUE_EVERY, (_, { signal }) =>
    jobs.deliverOverdue(signal),
  )
  app.jobs.every('timeline.retire', DROP_IDLE_EVERY, (_, { signal }) => jobs.dropIdle(signal))
  app.users.addEraser(jobs.erase)
  app.tasks.add('timelines:rebuild', {
    summary: 'rebuild the entries of all timelines, or of the timeline of one user',
    argument: 'user id',
    run: jobs.rebuildTask,
  })
  measureFanOut(app)
  const skeleton = createSkeleton(app, jobs.recordVisit)

  /** A page of the home timeline; `since` is a cursor as well. @throws InvalidCursor */
  async function page(readerId: number, request: TimelineRequest) {
    const { rows, loaded, ...cursors } = await skeleton(readerId, request)
    return {
      items: await app.tweets.hydrate(rows, { viewerId: readerId, loaded }),
      ...cursors,
    }
  }

  return { page, readersOf: createReaders(app) }
}

export default fp(
  async (app) => {
    app.decorate('timeline', createTimeline(app))
  },
  { name: 'timeline.service', dependencies: ['tweets.service', 'graph.service', 'tasks'] },
)
