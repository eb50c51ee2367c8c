import { drained, like, relate, signUp, tweet } from 'birdhouse/testing'
import t from 'tap'
import { listening } from './client.ts'

// Pages in both directions, as clients walk them: by Link, by max_id, since_id and min_id.

const { app, tokenOf, call } = await listening(t)
const [ann, ben] = [await signUp(app, 'Ann'), await signUp(app, 'Ben')]
const token = await tokenOf(ann)
await relate(app, ann, 'follow', ben)
const ids: string[] = []
for (let n = 0; n < 25; n++) ids.unshift(String((await tweet(app, ben, `No. ${n}`)).id))
for (const id of ids.toReversed()) await like(app, ann, Number(id))
await drained(app)

const page = async (path: string) => {
  const { body, headers, status } = await call(`GET ${path}`, token)
  t.equal(status, 200, path)
  const links = headers.get('link') ?? ''
  const to = (rel: string) => {
    const [, url] = new RegExp(`<([^>]*)>; rel="${rel}"`).exec(links) ?? []
    return url && `${new URL(url).pathname}${new URL(url).search}`
  }
  const shown: string[] = body.map((one: { id: string }) => one.id)
  return { ids: shown, links, next: to('next'), prev: to('prev') }
}

const LISTS = [
  '/api/v1/timelines/home',
  '/api/v1/timelines/public',
  `/api/v1/accounts/${ben.id}/statuses`,
  '/api/v1/favourites',
]

for (const list of LISTS) {
  t.test(`${list} is walked to its end by Link, and back to its top`, async (t) => {
    const seen: string[] = []
    let last: string | undefined
    for (let next: string | undefined = `${list}?limit=10`; next; ) {
      const one: Awaited<ReturnType<typeof page>> = await page(next)
      seen.push(...one.ids)
      last = one.prev
      next = one.next
    }
    t.strictSame(seen, ids, 'no next on the last page')
    const up: string[] = []
    for (let prev = last; prev; ) {
      const one: Awaited<ReturnType<typeof page>> = await page(prev)
      up.unshift(...one.ids)
      prev = one.prev
    }
    t.strictSame(up, ids.slice(0, 20), 'prev does not repeat the page itself, and ends')
  })
}

for (const list of LISTS.slice(0, 3)) {
  t.test(`${list} has three id parameters`, async (t) => {
    const at = (n: number) => ids[n] ?? ''
    t.strictSame((await page(`${list}?limit=3&max_id=${at(4)}`)).ids, ids.slice(5, 8))
    t.strictSame((await page(`${list}?limit=3&since_id=${at(9)}`)).ids, ids.slice(0, 3))
    t.strictSame((await page(`${list}?limit=3&min_id=${at(9)}`)).ids, ids.slice(6, 9))
    t.strictSame((await page(`${list}?since_id=${at(0)}`)).ids, [], 'nothing twice')
    t.strictSame((await page(`${list}?min_id=${at(0)}`)).links, '')
    const both = `${list}?max_id=${at(3)}&since_id=${at(6)}`
    t.strictSame((await page(both)).ids, ids.slice(4, 6))
  })
}

t.test('a gap of many other ids is closed upwards', async (t) => {
  const cho = await signUp(app, 'Cho')
  const before = ids[0] ?? ''
  for (let n = 0; n < 30; n++) await tweet(app, cho, `Elsewhere ${n}`)
  const mine = [await tweet(app, ben, 'one'), await tweet(app, ben, 'two')].map(({ id }) =>
    String(id),
  )
  await drained(app)
  const { ids: found } = await page(`/api/v1/timelines/home?min_id=${before}&limit=1`)
  t.strictSame(found, mine.slice(0, 1))
  const more = await page(`/api/v1/timelines/home?min_id=${found[0]}&limit=5`)
  t.strictSame(more.ids, mine.slice(1))
})
