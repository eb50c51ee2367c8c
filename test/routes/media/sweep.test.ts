import t from 'tap'
import { runJob, setUp, signUp, tweet } from '../../helper.ts'
import { formOf, newMedia, objectKeys, plain, sendForm } from '../../multipart.ts'

const app = await setUp(t)
const jpeg = await plain()
const DAY = 24 * 3600 * 1000

/** Objects of uploads that died, and of those whose rows exist. */
async function populate() {
  const user = await signUp(app, 'Sweeps')
  const { id } = await newMedia(app, user, await plain(2000, 10))
  await tweet(app, user, 'used', { mediaIds: [id] })
  await newMedia(app, user, jpeg)
  const { set, objects } = app.users.pictures.avatar
  await set(user.id, 'kept')
  for (const key of objects('kept')) await app.s3.put(key, jpeg, 'image/webp')
  await sendForm(app, user, formOf(jpeg), 'PUT /v1/users/me/header')
  const kept = await objectKeys(app)
  const orphans = [
    'avatars/first/48.webp',
    'avatars/last/48.webp',
    'headers/gone/480.webp',
    'media/gone/320.webp',
    'media/gone/800.webp',
  ]
  for (const key of orphans) await app.s3.put(key, jpeg, 'image/webp')
  await app.s3.put('elsewhere/gone/1.webp', jpeg, 'image/webp')
  return { kept, orphans }
}

const { kept, orphans } = await populate()
const run = (argument?: string, signal = new AbortController().signal) => {
  const steps: [number, number][] = []
  const task = app.tasks.get('media:sweep')
  const progress = (done: number, total: number) => void steps.push([done, total])
  const result = task?.run({ progress, signal, argument }) ?? Promise.reject()
  return result.then((sentence) => ({ sentence, steps }))
}
/** As if a day had passed in the store. */
function age(by: number) {
  const { list } = app.s3
  app.s3.list = async (...args) => {
    const { objects, next } = await list(...args)
    const older = objects.map(({ key, lastModified }) => {
      return { key, lastModified: new Date(lastModified.getTime() - by) }
    })
    return { objects: older, next }
  }
  return () => Object.assign(app.s3, { list })
}

t.test('recent objects are kept', async (t) => {
  t.match((await run('delete')).sentence, /^0 of /)
  const restore = age(DAY - 60_000)
  t.match((await run('delete')).sentence, /^0 of /)
  restore()
  t.equal((await objectKeys(app)).length, kept.length + orphans.length + 1)
})

t.test('a dry run lists what the sweep deletes', async (t) => {
  t.teardown(age(DAY + 60_000))
  const dry = await run()
  t.match(dry.sentence, `5 of ${kept.length + 5} objects belong to no picture.`)
  t.match(dry.sentence, 'npm run media:sweep -- delete')
  for (const key of orphans) t.match(dry.sentence, key)
  t.equal((await objectKeys(app)).length, kept.length + 6, 'no object is deleted')
  const [last = [0, 1]] = dry.steps.slice(-1)
  t.equal(last[0], last[1], 'the bar ends full')

  const real = await run('delete')
  t.match(real.sentence, `5 of ${kept.length + 5} objects belonged to no picture and were deleted.`)
  t.strictSame(await objectKeys(app), [...kept, 'elsewhere/gone/1.webp'].sort())
  t.match((await run('delete')).sentence, /^0 of /)
  await t.rejects(run('everything'), /Give no argument/)
})

t.test('an interrupted sweep continues', async (t) => {
  for (const key of orphans) await app.s3.put(key, jpeg, 'image/webp')
  t.teardown(age(DAY + 60_000))
  const { list } = app.s3
  const asked: (string | undefined)[] = []
  // Pages of two: what a bucket of thousands has.
  app.s3.list = async (prefix, after) => {
    asked.push(`${prefix} ${after}`)
    const { objects, next } = await list(prefix, after)
    if (prefix !== 'avatars/' || objects.length <= 2) return { objects, next }
    return { objects: objects.slice(0, 2), next: objects[1]?.key ?? null }
  }
  t.teardown(() => Object.assign(app.s3, { list }))
  const interruption = new AbortController()
  const interrupted = run('delete', interruption.signal)
  while (asked.length < 2) await new Promise(setImmediate)
  interruption.abort(new Error('Interrupted'))
  await t.rejects(interrupted, { message: 'Interrupted' })
  const left = await objectKeys(app)
  t.notOk(left.includes('avatars/first/48.webp'), 'the interrupted run had begun')
  t.ok(left.includes('media/gone/320.webp'), 'the interrupted run had not finished')
  asked.length = 0
  const { sentence, steps } = await run('delete')
  t.notMatch(asked[0], /^avatars\/ $/, 'not from the beginning')
  t.ok((steps[0]?.[0] ?? 0) > 0, 'the progress bar does not start again')
  t.match(sentence, `5 of ${kept.length + 5} objects`)
  t.strictSame(await objectKeys(app), [...kept, 'elsewhere/gone/1.webp'].sort())
})

t.test('the daily job sweeps, and stops if most objects are unknown', async (t) => {
  t.teardown(age(DAY + 60_000))
  const sweep = async (progress: unknown = null) => {
    const saved: unknown[] = []
    const save = async (one: unknown) => void saved.push(one)
    await runJob(app, 'media.sweep', {}, { progress, save })
    return saved
  }
  for (const key of orphans) await app.s3.put(key, jpeg, 'image/webp')
  const saved = await sweep()
  t.match(saved.at(-1), { seen: kept.length + 5, found: 5 })
  t.strictSame(await objectKeys(app), [...kept, 'elsewhere/gone/1.webp'].sort())
  const rest = await sweep({ position: 'headers/~', seen: 7, found: 0 })
  const inMedia = kept.filter((key) => key.startsWith('media/')).length
  t.match(rest, [{ seen: 7 + inMedia, found: 0 }], 'the sweep continues after its saved position')

  for (const key of orphans) await app.s3.put(key, jpeg, 'image/webp')
  await sweep({ position: '', seen: 1_000, found: 999 })
  t.equal((await objectKeys(app)).length, kept.length + 6, 'another database has them')
})
