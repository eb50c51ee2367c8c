import { eq, inArray } from 'drizzle-orm'
import t from 'tap'
import { build } from '../../app.ts'
import { DELIVERY } from '../../routes/timeline/delivery.ts'
import { createTimelineJobs } from '../../routes/timeline/jobs.ts'
import { SIZES } from '../../routes/timeline/sizes.ts'
import { type App, settings } from '../helper.ts'

// Waiting tweets are fanned out together; a tweet with many followers is fanned out in steps.

const app: App = await build(await settings(t))
t.teardown(() => app.close())
await app.jobs.stop()
const { follows, timelineEntries, timelineStates, tweets } = app.tables
const { fanOut } = createTimelineJobs(app, { ...SIZES, followersPerStatement: 2 })
const context = { attempt: 1, progress: null, save: async () => {}, signal: app.drain.signal }

let people = 0
async function signUp() {
  const email = `${++people}@example.com`
  const id = await app.users.create({ name: 'Crowd', email, passwordHash: '' })
  const state = { readerId: id, delivery: DELIVERY.materialised, seenAt: new Date() }
  await app.db.insert(timelineStates).values(state)
  return id
}

/** An author with as many followers, and a tweet that waits for its fan-out. */
async function createAuthor(count: number) {
  const id = await signUp()
  const followers: number[] = []
  for (let n = 0; n < count; n++) {
    const follower = await signUp()
    await app.graph.follow(follower, id)
    followers.push(follower)
  }
  const delivery = DELIVERY.materialised
  await app.db.update(follows).set({ delivery }).where(eq(follows.followeeId, id))
  const tweet = await app.tweets.create({ authorId: id, text: 'hello' })
  return { id, followers, tweetId: tweet.id }
}

const readersOf = async (tweetId: number) =>
  (await app.db.select().from(timelineEntries).where(eq(timelineEntries.tweetId, tweetId)))
    .map(({ readerId }) => readerId)
    .sort((a, b) => a - b)

t.test('tweets that wait together reach exactly the followers of their authors', async (t) => {
  // Followers for one statement, for several tweets of one, and more than one statement takes.
  const authors = []
  for (const count of [0, 1, 1, 2, 3, 5]) authors.push(await createAuthor(count))
  const gone = await createAuthor(2)
  await app.tweets.remove(gone.tweetId, gone.id)

  const all = [...authors, gone]
  await Promise.all(all.map(({ tweetId }) => fanOut({ tweetId }, context)))
  for (const { id, followers, tweetId } of authors)
    t.strictSame(await readersOf(tweetId), [id, ...followers])
  t.notOk((await readersOf(gone.tweetId)).some((id) => gone.followers.includes(id)))

  const ids = all.map(({ tweetId }) => tweetId)
  const rows = await app.db.select().from(tweets).where(inArray(tweets.id, ids))
  t.ok(rows.every(({ undelivered }) => undelivered === null))

  await Promise.all(all.map(({ tweetId }) => fanOut({ tweetId }, context)))
  for (const { id, followers, tweetId } of authors)
    t.strictSame(await readersOf(tweetId), [id, ...followers], 'the same after a second run')
})
