import { eq } from 'drizzle-orm'
import t from 'tap'
import { drained, setUp } from './helper.ts'

t.test('drained waits for what is due soon, not for a job of later', async (t) => {
  const app = await setUp(t)
  const { jobs } = app.tables
  const add = (name: `test.${string}`, delay: number) =>
    app.transaction((tx) => app.jobs.add(tx, [name], {}, { delay }))
  const rowsOf = (name: string) => app.db.select().from(jobs).where(eq(jobs.name, name))
  let runs = 0
  app.jobs.define('test.soon', async () => void runs++)
  app.jobs.define('test.later', async () => void runs++)
  await add('test.later', 300)
  await add('test.soon', 1)
  await drained(app)
  t.equal(runs, 1)
  t.equal((await rowsOf('test.later')).length, 1, 'due in five minutes')
  t.strictSame(await rowsOf('test.soon'), [])
})
