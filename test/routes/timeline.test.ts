import t from 'tap'
import { read, relate, retweet, setUp, signUp, tweet } from '../helper.ts'

t.test('a timeline shows the tweets of oneself and of those one follows', async (t) => {
  const app = await setUp(t)
  const [ann, ben, cho] = [
    await signUp(app, 'Ann'),
    await signUp(app, 'Ben'),
    await signUp(app, '초희'),
  ]
  await relate(app, ann, 'follow', ben)
  const first = await tweet(app, ben, 'first')
  await tweet(app, cho, 'not followed')
  const own = await tweet(app, ann, '안녕 👋')
  await retweet(app, ben, own.id)

  const page = await read(app, '/v1/timeline', ann)
  t.strictSame(
    page.items.map((item: any) => item.retweetOf?.id ?? item.id),
    [own.id, first.id],
  )
  t.equal(page.nextCursor, null)
})
