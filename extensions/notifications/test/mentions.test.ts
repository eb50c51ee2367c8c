import { call, drained, relate, removeTweet, setUp, tweet } from 'birdhouse/testing'
import { eq, sql } from 'drizzle-orm'
import t from 'tap'
import { createReaders } from './readers.ts'

const BUDGET = 5

const app = await setUp(t, { MENTIONS_OF_STRANGERS_PER_HOUR: String(BUDGET) })
const { notificationBudgets, notificationItems } = app.tables
const { people, listOf, brief } = createReaders(app)

/** Tweets while no job runs, so that all mentions are settled in one batch. */
async function together<T>(work: () => Promise<T>) {
  await drained(app)
  await app.jobs.stop()
  const result = await work()
  await app.jobs.start()
  await drained(app)
  return result
}

t.test('mentions that wait are settled together, each by its own rules', async (t) => {
  const [ada, bo, cy, me] = await people('Ada', 'Bo', 'Cy', 'Me')
  await relate(app, me, 'block', bo)
  await relate(app, me, 'mute', cy)
  const mine = await tweet(app, me, 'mine')
  const text = `@${me.handle} @${ada.handle}`
  const [first, second, reply] = await together(async () => {
    const all = [
      await tweet(app, ada, `${text} one`),
      await tweet(app, ada, `${text} two`),
      await tweet(app, ada, `${text} an answer`, { replyToId: mine.id }),
    ]
    await tweet(app, bo, `${text} blocked`)
    await tweet(app, cy, `${text} muted`)
    await removeTweet(app, ada, (await tweet(app, ada, `${text} deleted`)).id)
    return all as [{ id: number }, { id: number }, { id: number }]
  })
  const shown = await brief(me)()
  t.strictSame(shown.filter((one) => one.startsWith('mention')).sort(), [
    `mention ${first.id} ${ada.id} 1`,
    `mention ${second.id} ${ada.id} 1`,
  ])
  t.ok(shown.includes(`reply ${reply.id} ${ada.id} 1`), 'the answer is a reply')
  const toAda = (await brief(ada)()).map((one) => one.split(' ')[0])
  t.strictSame(toAda, ['mention', 'mention'], 'bo and cy mention ada, who does not mention herself')
})

t.test(
  'an account notifies a bounded number of strangers an hour, and its followers',
  async (t) => {
    const [loud, follower, ...strangers] = await people('Loud', 'Follower', 'A', 'B', 'C', 'D')
    await relate(app, follower, 'follow', loud)
    const all = [follower, ...strangers].map(({ handle }) => `@${handle}`).join(' ')
    const tweets = await together(() =>
      Promise.all([1, 2, 3].map((n) => tweet(app, loud, `${all} ${n}`))),
    )
    t.equal((await listOf(follower)).length, tweets.length, 'the follower misses none')
    const lists = await Promise.all(strangers.map((one) => listOf(one)))
    t.equal(lists.flat().length, BUDGET)
    const left = await app.db
      .select()
      .from(notificationItems)
      .where(eq(notificationItems.actorId, loud.id))
    t.equal(left.length, tweets.length + BUDGET, 'no row is left of the others')
    const [first] = strangers
    const mentions = await call(app, 'GET /v1/users/me/mentions', { as: first })
    t.equal(mentions.body.items.length, tweets.length, 'the tweets are listed all the same')

    await tweet(app, loud, `${all} again`)
    t.equal((await Promise.all(strangers.map((one) => listOf(one)))).flat().length, BUDGET)
    await app.db
      .update(notificationBudgets)
      .set({ since: sql`NOW(3) - INTERVAL 61 MINUTE` })
      .where(eq(notificationBudgets.userId, loud.id))
    await tweet(app, loud, `@${first?.handle} an hour later`)
    t.equal((await Promise.all(strangers.map((one) => listOf(one)))).flat().length, BUDGET + 1)
  },
)

t.test('mentions of simultaneous batches stay within the budget', async (t) => {
  const [loud, ...strangers] = await people('Loud', 'E', 'F', 'G')
  const texts = Array.from({ length: 60 }, (_, n) =>
    strangers.map(({ handle }) => `@${handle}`).concat(String(n)),
  )
  await together(() => Promise.all(texts.map((words) => tweet(app, loud, words.join(' ')))))
  const lists = await Promise.all(strangers.map((one) => listOf(one)))
  t.equal(lists.flat().length, BUDGET)
})
