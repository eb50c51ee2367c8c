import type { FastifyInstance, TaskContext } from 'birdhouse'
import { and, asc, eq, gt, inArray, lt, max, sql } from 'drizzle-orm'
import type { createIndex, Source } from './indexing.ts'
import { ANY_SIGN } from './parse.ts'

declare module 'fastify' {
  interface JobPayloads {
    'hashtags.catchUp': object
  }
}

/** Tweets per chunk; bounds memory and the time for which locks are held. */
const CHUNK = 200
/** Chunks per run of the recurring job, so that other jobs get their turn. */
const CHUNKS_A_RUN = 200
/** Seconds between two runs. */
const CATCH_UP_EVERY = 15
/** Seconds. Ids are assigned at INSERT but visible from COMMIT on; transactions are shorter. */
const LATE = 60

/**
 * Indexes, without announcing mentions, tweets without an event: from before the installation, from
 * while the extension was not installed, and demo data.
 */
export function createBackfill(app: FastifyInstance, index: ReturnType<typeof createIndex>) {
  const { hashtagMentions, hashtagTweets, hashtagWalks, tweets } = app.tables

  app.jobs.every('hashtags.catchUp', CATCH_UP_EVERY, catchUp)
  app.tasks.add('hashtags:backfill', {
    summary: 'index the hashtags and mentions of all tweets again',
    run: backfill,
  })

  /** Continues where the last run stopped. */
  async function catchUp() {
    for (let chunk = 0; chunk < CHUNKS_A_RUN; chunk++) {
      if (app.drain.signal.aborted || !(await step('catch-up', withoutIndexed))) return
    }
  }

  /** Indexes all tweets from the first on; continues an interrupted run. */
  async function backfill({ progress, signal }: TaskContext) {
    const [last] = await app.db.select({ id: max(tweets.id) }).from(tweets)
    const total = last?.id ?? 0
    let indexed = 0
    progress(await position('task'), total)
    for (let done = await step('task'); done; done = await step('task')) {
      indexed += done.indexed
      progress(Math.min(done.position, total), total)
      signal.throwIfAborted()
    }
    progress(total, total)
    await app.db.delete(hashtagWalks).where(eq(hashtagWalks.name, 'task'))
    return `${indexed} tweets with hashtags or mentions are indexed.`
  }

  type Select = (sources: Source[]) => Promise<Source[]>

  /** Indexes the next chunk; returns undefined when there is none. */
  async function step(walk: string, select: Select = async (all) => all) {
    const rows = await read(await position(walk))
    const end = rows.at(-1)?.id
    if (end === undefined) return undefined
    const sources = rows.flatMap(({ text, ...row }) =>
      text && ANY_SIGN.test(text) ? { ...row, text } : [],
    )
    const selected = await select(sources)
    return app.transaction(async (tx) => {
      const written = await index.write(tx, selected)
      await tx
        .insert(hashtagWalks)
        .values({ name: walk, position: end })
        .onDuplicateKeyUpdate({
          set: { position: sql`GREATEST(${hashtagWalks.position}, ${end})` },
        })
      return { position: end, indexed: written.length }
    })
  }

  async function position(walk: string) {
    const [row] = await app.db.select().from(hashtagWalks).where(eq(hashtagWalks.name, walk))
    return row?.position ?? 0
  }

  const read = (after: number) =>
    app.db
      .select({
        id: tweets.id,
        authorId: tweets.authorId,
        text: tweets.text,
        createdAt: tweets.createdAt,
      })
      .from(tweets)
      .where(and(gt(tweets.id, after), lt(tweets.createdAt, sql`NOW(3) - INTERVAL ${LATE} SECOND`)))
      .orderBy(asc(tweets.id))
      .limit(CHUNK)

  /** A tweet is indexed in one transaction, so any row proves that it was indexed. */
  async function withoutIndexed(sources: Source[]) {
    if (sources.length === 0) return sources
    const ids = sources.map(({ id }) => id)
    const tagged = await app.db
      .selectDistinct({ id: hashtagTweets.tweetId })
      .from(hashtagTweets)
      .where(inArray(hashtagTweets.tweetId, ids))
    const mentioning = await app.db
      .selectDistinct({ id: hashtagMentions.tweetId })
      .from(hashtagMentions)
      .where(inArray(hashtagMentions.tweetId, ids))
    const indexed = new Set([...tagged, ...mentioning].map(({ id }) => id))
    return sources.filter(({ id }) => !indexed.has(id))
  }

  return { catchUp, backfill }
}
