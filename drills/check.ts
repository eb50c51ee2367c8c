import type { Result } from './workload.ts'

type Page = { items: Tweet[]; nextCursor: string | null }
type Tweet = { id: number; text: string; likeCount: number; author: { id: number } }

/** Compares every acknowledged write with what the service shows; asks through the API alone. */
export async function check(url: string, { people, tweets, likes }: Result) {
  async function readAll(path: string, token: string) {
    const items: Tweet[] = []
    for (let cursor = ''; ; ) {
      const response = await fetch(`${url}${path}?limit=100${cursor}`, {
        headers: { authorization: `Bearer ${token}` },
      })
      if (!response.ok) throw new Error(`${path}: ${await response.text()}`)
      const page = (await response.json()) as Page
      items.push(...page.items)
      if (page.nextCursor === null) return items
      cursor = `&cursor=${page.nextCursor}`
    }
  }

  let lost = 0
  let doubled = 0
  let wrongLists = 0
  for (const { id, token, followees } of people) {
    const shown = await readAll(`/v1/users/${id}/tweets`, token)
    const byId = new Map(shown.map((tweet) => [tweet.id, tweet]))
    const own = [...tweets].filter(([, { authorId }]) => authorId === id)
    for (const [tweetId, { text }] of own) {
      const tweet = byId.get(tweetId)
      if (tweet?.text !== text) lost++
      else if (tweet.likeCount !== (likes.get(tweetId)?.size ?? 0)) lost++
    }
    doubled += shown.length - new Set(shown.map(({ text }) => text)).size
    const sources = new Set([id, ...followees.map((one) => one.id)])
    const expected = [...tweets.keys()]
      .filter((tweetId) => sources.has(tweets.get(tweetId)?.authorId ?? 0))
      .sort((a, b) => b - a)
    const timeline = (await readAll('/v1/timeline', token)).map((tweet) => tweet.id)
    if (expected.join() !== timeline.join()) wrongLists++
  }
  return { lost, doubled, wrongLists }
}
