import { eq } from 'drizzle-orm'
import t from 'tap'
import { setUp } from '../../helper.ts'

const app = await setUp(t)
const { changes } = app.tables

/** Rows of a topic of their own, and the condition for them. */
async function insertRows(topic: string, count: number) {
  await app.db
    .insert(changes)
    .values(Array.from({ length: count }, (_, n) => ({ topic, subject: n })))
  return eq(changes.topic, topic)
}

t.test('rows are deleted 200 per transaction, each with what follows from it', async (t) => {
  const where = await insertRows('many', 401)
  const subjects: number[][] = []
  const left: number[] = []
  const deleted = await app.deleteInBatches(changes, where, async (tx, rows) => {
    subjects.push(rows.map(({ subject }) => subject))
    left.push(await tx.$count(changes, where))
  })
  t.equal(deleted, 401)
  t.same(
    subjects.map(({ length }) => length),
    [200, 200, 1],
  )
  t.equal(new Set(subjects.flat()).size, 401)
  t.same(left, [201, 1, 0])
})

t.test('a batch whose reaction fails stays, and so do the batches after it', async (t) => {
  const where = await insertRows('failing', 300)
  let batches = 0
  const failing = app.deleteInBatches(changes, where, async () => {
    if (++batches === 2) throw new Error('no')
  })
  await t.rejects(failing, { message: 'no' })
  t.equal(await app.db.$count(changes, where), 100)
})

t.test('an aborted signal ends the deletion between two batches', async (t) => {
  const where = await insertRows('aborted', 300)
  const controller = new AbortController()
  const deleting = app.deleteInBatches(changes, where, () => controller.abort(), {
    signal: controller.signal,
  })
  await t.rejects(deleting, { name: 'AbortError' })
  t.equal(await app.db.$count(changes, where), 100)
})

t.test('a rollback of the outer transaction restores all batches', async (t) => {
  const where = await insertRows('outer', 300)
  const failing = app.transaction(async (outer) => {
    t.equal(await app.deleteInBatches(changes, where, () => {}, { outer }), 300)
    throw new Error('no')
  })
  await t.rejects(failing, { message: 'no' })
  t.equal(await app.db.$count(changes, where), 300)
})

t.test('without a reaction, any number of rows is deleted', async (t) => {
  const where = await insertRows('plain', 501)
  t.equal(await app.deleteInBatches(changes, where), 501)
  t.equal(await app.db.$count(changes, where), 0)
})
