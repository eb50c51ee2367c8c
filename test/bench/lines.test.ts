import t from 'tap'
import { lines } from '../../bench/lines/index.ts'
import { manyReaders } from '../../bench/lines/readers.ts'
import { measure } from '../../bench/measure.ts'
import { setUp } from '../../bench/setup.ts'

const RATES = ['first-page', 'many-readers', 'first-tweet', 'without-feed', 'reads-beside-writes']

t.test('the bench measures many readers on little data', async (t) => {
  const { bench, tearDown } = await setUp({ scale: 0.005, quick: true }, (line) => t.comment(line))
  t.teardown(tearDown)
  const measured = async (name: string) => {
    const line = lines.find((one) => one.name === name)
    if (!line) throw new Error(`There is no line ${name}.`)
    const sides = await line.prepare(bench)
    const result = await measure(line, sides, bench)
    await sides.end?.()
    return { ...result, holds: sides.holds?.() }
  }

  const { order, requestsTo, bareRequests } = await manyReaders(bench)
  t.equal(new Set(order).size, bench.sizes.people, 'everyone reads')
  const load = { connections: 4, bodies: true }
  const { service, bare } = bench
  const requests = await requestsTo(service)
  const pages = await bench.send({ ...load, port: service.port, requests })
  const barePages = await bench.send({ ...load, port: bare.port, requests: bareRequests })
  t.same(pages.bodies?.map(idsOf), barePages.bodies?.map(idsOf), 'both show the same tweets')

  for (const name of RATES) {
    const { a, b, ratio } = await measured(name)
    t.ok(a.value > 0 && (b?.value ?? 0) > 0, `${name}: ${a.value} / ${b?.value}`)
    t.equal(ratio, a.value / (b?.value ?? 0))
  }

  const statements = await measured('statements')
  t.equal(statements.b, undefined)
  t.ok(Number.isInteger(statements.ratio) && statements.ratio > 0, `${statements.ratio}`)
  t.match(statements.note, /^\d+ packets and \d+ to prepare statements, \d+ round trips$/)

  const idle = await measured('idle')
  t.ok(idle.ratio >= 0 && idle.ratio < 50, `${idle.ratio} statements/s`)

  const backlog = await measured('reads-beside-backlog')
  t.ok(backlog.ratio > 0)
  t.match(backlog.note, /^[\d.,]+ % of the jobs run in 5 s$/)
})

function idsOf(body: string) {
  const { items }: { items: { id: number }[] } = JSON.parse(body)
  return items.map(({ id }) => Number(id))
}
