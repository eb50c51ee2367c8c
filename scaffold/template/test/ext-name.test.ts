import { drained, read, setUp, signUp, tweet, undocumented } from 'birdhouse/testing'
import t from 'tap'

const app = await setUp(t)

t.test('each tweet is counted once', async (t) => {
  const user = await signUp(app, 'Ada')
  t.strictSame(await read(app, '/v1/ext-name'), { tweets: 0 })
  const { id } = await tweet(app, user, '안녕 🐣')
  await tweet(app, user, 'again')
  await app.extName.see(id)
  await drained(app)
  t.strictSame(await read(app, '/v1/ext-name'), { tweets: 2 })
})

t.test('every route is documented', async (t) => {
  t.strictSame(undocumented(app), [])
})
