import type { FastifyInstance, JobHandler } from 'birdhouse'
import { and, eq } from 'drizzle-orm'
import { createBackfill } from './backfill.ts'
import { createEntries } from './entries.ts'
import { createFanOut } from './fan-out.ts'
import { createPopularity } from './popularity.ts'
import { createReaderActivity } from './reader-activity.ts'
import { createRebuildTask } from './rebuild-task.ts'
import { SIZES } from './sizes.ts'

type Follow = { followerId: number; followeeId: number }

/** Pages are correct without these handlers: they may run late, twice, never, or be killed. */
export function createTimelineJobs(app: FastifyInstance, sizes = SIZES) {
  const { follows } = app.tables
  const entries = createEntries(app, sizes)
  const popularity = createPopularity(app, sizes)
  const backfill = createBackfill(app, entries, popularity, sizes)
  const { fanOut, deliverOverdue } = createFanOut(app, entries.trim, sizes)
  const { recordVisit, dropIdle } = createReaderActivity(app, entries)
  const rebuildTask = createRebuildTask(app, backfill)

  const onFollow: JobHandler<Follow> = async ({ followerId, followeeId }, { signal }) => {
    if (await popularity.check(followeeId)) return
    const pair = and(eq(follows.followerId, followerId), eq(follows.followeeId, followeeId))
    await backfill.backfillFollows(pair, signal)
  }

  const onUnfollow: JobHandler<Follow> = async ({ followeeId }) => {
    await popularity.check(followeeId)
  }

  const fill: JobHandler<{ readerId: number }> = ({ readerId }, { signal }) =>
    backfill.fillReader(readerId, signal)

  const mergeAuthor: JobHandler<{ authorId: number }> = ({ authorId }, { signal }) =>
    popularity.mergeAuthor(authorId, signal)

  const fillAuthor: JobHandler<{ authorId: number }> = ({ authorId }, { signal }) =>
    backfill.backfillFollows(eq(follows.followeeId, authorId), signal)

  async function erase(userId: number) {
    await entries.erase(userId)
    await popularity.erase(userId)
  }

  return {
    fanOut,
    deliverOverdue,
    onFollow,
    onUnfollow,
    fill,
    mergeAuthor,
    fillAuthor,
    dropIdle,
    erase,
    recordVisit,
    rebuildTask,
  }
}
