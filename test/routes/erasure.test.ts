import { sql } from 'drizzle-orm'
import t from 'tap'
import { countMismatches } from '../counts.ts'
import { call, drained, like, removeTweet, retweet, setUp, signUp, tweet } from '../helper.ts'

t.test(
  'counters are exact after an erasure, and counters of deleted rows are deleted',
  async (t) => {
    const app = await setUp(t)
    const [ann, ben] = [await signUp(app, 'Ann'), await signUp(app, 'Ben')]
    const parent = await tweet(app, ann, 'a parent')
    const reply = await tweet(app, ben, 'a reply', { replyToId: parent.id })
    await tweet(app, ann, 'a reply to a reply', { replyToId: reply.id })
    await like(app, ben, parent.id)
    await retweet(app, ben, parent.id)
    await call(app, 'DELETE /v1/users/me', { as: ann, body: { password: ann.password } })
    await drained(app)
    t.strictSame(await countMismatches(app), [])
    await removeTweet(app, ben, reply.id)
    await drained(app)
    await app.tweets.counts.rollUp()
    await app.users.counts.rollUp()

    for (const entity of ['user', 'tweet']) {
      for (const table of [`${entity}_counts`, `${entity}_count_deltas`]) {
        const query = `SELECT * FROM ${table} WHERE ${entity}_id NOT IN (SELECT id FROM ${entity}s)`
        const [rows] = await app.db.execute(sql.raw(query))
        t.strictSame(rows, [], table)
      }
    }
    t.strictSame(await countMismatches(app), [])
  },
)
