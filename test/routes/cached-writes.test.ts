import t from 'tap'
import { build } from '../../app.ts'
import * as help from '../helper.ts'

const env = await help.settings(t)
const [one, two] = [await build(env), await build(env)]
for (const app of [one, two]) t.teardown(() => app.close())

// One process caches the reader's timeline, another one writes.
const [reader, author] = [await help.signUp(one, 'Reader'), await help.signUp(one, 'Author')]
const friend = await help.signUp(one, 'Friend')
for (const followee of [author, friend]) await help.relate(one, reader, 'follow', followee)
const { id } = await help.tweet(one, author, 'cached')
await help.tweet(one, reader, 'own')
await help.drained(one)

/** The tweet on the reader's timeline; a retweet takes its place there. */
async function shownTweet() {
  const { items } = await help.read(two, '/v1/timeline', reader)
  const originals = items.map((item: { retweetOf?: object }) => item.retweetOf ?? item)
  return originals.find((item: { id: number }) => item.id === id)
}

const rename = (name: string) =>
  help.call(one, 'PATCH /v1/users/me', { as: author, body: { name } })

const CHANGES: [name: string, act: () => Promise<unknown>, expected: object | undefined][] = [
  ['a new name', () => rename('Renamed'), { author: { name: 'Renamed' } }],
  ['a like', () => help.like(one, reader, id), { liked: true }],
  ['an undone like', () => help.unlike(one, reader, id), { liked: false }],
  ['a retweet', () => help.retweet(one, reader, id), { retweeted: true }],
  ['an undone retweet', () => help.undoRetweet(one, reader, id), { retweeted: false }],
  ['a mute', () => help.relate(one, reader, 'mute', author), undefined],
  ['an undone mute', () => help.unrelate(one, reader, 'mute', author), { id }],
  ['an undone follow', () => help.unrelate(one, reader, 'follow', author), undefined],
  ['a retweet by a followee', () => help.retweet(one, friend, id), { id }],
  ['a block', () => help.relate(one, author, 'block', reader), undefined],
  ['an undone block', () => help.unrelate(one, author, 'block', reader), { id }],
  ['an undone retweet of a followee', () => help.undoRetweet(one, friend, id), undefined],
  ['a follow', () => help.relate(one, reader, 'follow', author), { id }],
  ['a deleted tweet', () => help.removeTweet(one, author, id), undefined],
]

for (const [name, act, expected] of CHANGES) {
  t.test(`${name} is in the cached timeline of another process at once`, async (t) => {
    await shownTweet()
    await act()
    await help.drained(one)
    const shown = await shownTweet()
    if (expected) t.match(shown, expected)
    else t.equal(shown, undefined)
  })
}
