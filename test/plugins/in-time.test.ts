import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import t from 'tap'
import { build } from '../../app.ts'
import { settings } from '../helper.ts'

const app = await build(await settings(t))
t.teardown(() => app.close())

function blockEventLoop(milliseconds: number) {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

t.test('work that takes too long is late', async (t) => {
  await t.rejects(app.inTime(sleep(500), 50), { message: 'took longer than 50 ms' })
})

t.test('work whose result came while the event loop was blocked is not late', async (t) => {
  await app.db.execute(sql`SELECT 1`)
  const work = app.db.execute(sql`SELECT SLEEP(0.05)`)
  const answer = app.inTime(work, 200)
  // The statement is sent before the loop is blocked, and timers come next after the block.
  await sleep(20)
  await immediate()
  blockEventLoop(500)
  await t.resolves(answer)
})
