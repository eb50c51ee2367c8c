import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { extensionFolders, index } from '../extension-folder.ts'
import { call, setUp } from '../helper.ts'

const block = 'for (const end = performance.now() + 1_500; performance.now() < end; );'

const busy = extensionFolders(t)('busy', {
  'index.js': `
    import { sql } from 'drizzle-orm'
    ${index(`
    const schema = { hide: true }
    app.get('/busy/at-once', { schema }, async () => { ${block} })
    app.get('/busy/after-query', { schema }, async () => {
      await app.db.execute(sql\`SELECT SLEEP(0.5)\`)
      ${block}
    })`)}`,
})

t.test('a blocked event loop is logged with the extension that ran last', async (t) => {
  const lines: any[] = []
  const app: any = await setUp(t, { EXTENSIONS: busy })
  app.log.level = 'warn'
  t.intercept(app.log, 'warn', { value: (...line: unknown[]) => void lines.push(line) })
  for (const path of ['at-once', 'after-query']) {
    await call(app, `GET /v1/busy/${path}`)
    await sleep(300)
    const [[fields, message] = []] = lines.splice(0)
    t.match(
      { fields, message },
      {
        fields: { lastExtension: 'busy' },
        message: 'the event loop was blocked',
      },
      path,
    )
    t.ok(fields?.milliseconds > 1_000 && fields.milliseconds < 5_000)
  }
  for (const end = performance.now() + 1_500; performance.now() < end; );
  await sleep(300)
  t.match(lines, [[{ lastExtension: undefined }]], 'nobody is named for a block of others')
})
