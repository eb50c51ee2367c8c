import { setTimeout as sleep } from 'node:timers/promises'
import { eq } from 'drizzle-orm'
import t from 'tap'
import { build } from '../../app.ts'
import { extensionFolders, index, service } from '../extension-folder.ts'
import { call, like, settings, setUp, signUp, tweet } from '../helper.ts'

// Extensions that hang: each takes the 10 s it is given.

t.jobs = 8
const extension = extensionFolders(t)
const env = await settings(t)
const forever = 'await new Promise(() => {})'

const HANGING = {
  'at the top of its index': { 'index.js': `${index()}\n${forever}` },
  'in its service': { 'service.js': service(forever, 'hangs') },
  'in its index': { 'index.js': index(forever) },
  'when ready': { 'index.js': index(`app.addHook('onReady', async () => { ${forever} })`) },
  'when ready, without done': { 'index.js': index("app.addHook('onReady', (done) => {})") },
}

for (const [i, [where, files]] of Object.entries(HANGING).entries()) {
  t.test(`hangs ${where}`, { buffered: true }, async (t) => {
    const name = `hangs-${i}`
    const EXTENSIONS = extension(name, files)
    const begin = performance.now()
    await t.rejects(build({ ...env, EXTENSIONS }), {
      extension: name,
      message: /^Extension hangs-\d: .* did not end within|not loaded within/,
    })
    const took = performance.now() - begin
    t.ok(took < 40_000, `told after ${Math.round(took)} ms`)
    const app = await setUp(t, { EXTENSIONS, EXTENSIONS_OPTIONAL: name })
    t.strictSame((await call(app, 'GET /readyz')).body.skippedExtensions, [name])
  })
}

t.test('hanging and flooding handlers delay no other job', { buffered: true }, async (t) => {
  const EXTENSIONS = extension('trouble', {
    'service.js': service(
      `
      app.decorate('trouble', { hung: 0 })
      app.events.subscribe('tweet.liked', 'trouble.hangs', async () => {
        app.trouble.hung++
        ${forever}
      })
      app.events.subscribe('tweet.liked', 'trouble.floods', async (payload) =>
        app.transaction((tx) => app.jobs.add(tx, Array(50).fill('trouble.hangs'), payload)))`,
      'trouble',
    ),
  })
  const app: any = await setUp(t, { EXTENSIONS })
  const [ada, bo] = [await signUp(app, 'Ada'), await signUp(app, 'Bo')]
  const ids: number[] = []
  for (let i = 0; i < 6; i++) ids.push((await tweet(app, ada, `likeable ${i}`)).id)
  for (const id of ids) await like(app, bo, id)
  for (let waits = 0; app.trouble.hung < 2 && waits < 100; waits++) await sleep(20)
  await sleep(500)
  t.ok(app.trouble.hung <= 2, 'an extension has two places at a time')

  const begin = performance.now()
  await call(app, 'DELETE /v1/users/me', { as: ada, body: { password: ada.password } })
  const { users } = app.tables
  const rows = () => app.db.select().from(users).where(eq(users.id, ada.id))
  while ((await rows()).length > 0 && performance.now() - begin < 8_000) await sleep(20)
  t.strictSame(await rows(), [], `ours goes on: erased after ${performance.now() - begin} ms`)
  const body = { text: 'still here' }
  t.equal((await call(app, 'POST /v1/tweets', { as: bo, body })).status, 201)
})
