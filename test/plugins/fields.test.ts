import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import t from 'tap'
import { Type } from 'typebox'
import { createFieldReader } from '../../plugins/fields.ts'

/** Milliseconds. */
const PAUSE = 300

const lines: any[] = []
const { log } = Fastify({
  logger: { level: 'error', stream: { write: (line) => void lines.push(JSON.parse(line)) } },
})
let calls = 0
let answer = async () => new Map([[1, 'read']])
const read = createFieldReader(
  {
    name: 'mood',
    owner: { name: 'moods', extension: true },
    schema: Type.String(),
    read: () => {
      calls++
      return answer()
    },
  },
  log,
  PAUSE,
)
const ask = () => read([1], { db: {} as never, items: [] })
const never = () => new Promise<never>(() => {})
const fails = async () => {
  throw new Error('no mood')
}

t.beforeEach(() => {
  lines.splice(0)
  calls = 0
})

t.test('two failures in a row do not pause a field', async (t) => {
  answer = fails
  t.equal((await ask()).size, 0)
  t.equal((await ask()).size, 0)
  answer = async () => new Map([[1, 'read']])
  t.strictSame(await ask(), new Map([[1, 'read']]))
  t.equal(lines.length, 2)
})

t.test('a field that is late three times is left out for a while, then tried once', async (t) => {
  answer = never
  await Promise.all([ask(), ask(), ask(), ask()])
  const paused = lines.filter(({ msg }) => msg.includes('left out of all answers'))
  t.match(paused, [{ field: 'mood', owner: 'moods', err: { message: 'took longer than 1000 ms' } }])
  t.equal(paused.length, 1)
  calls = 0
  const begin = performance.now()
  for (let n = 0; n < 5; n++) t.equal((await ask()).size, 0)
  t.ok(performance.now() - begin < 100, 'nobody waits for it')
  t.equal(calls, 0)

  await sleep(PAUSE)
  await Promise.all([ask(), ask(), ask()])
  t.equal(calls, 1, 'one answer tries again')
  await sleep(PAUSE)
  answer = async () => new Map([[1, 'read']])
  t.strictSame(await ask(), new Map([[1, 'read']]))
  t.strictSame(await ask(), new Map([[1, 'read']]))
})
