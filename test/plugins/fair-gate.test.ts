import t from 'tap'
import { createFairGate, type Origin } from '../../plugins/fair-gate.ts'

/** Keeps the gate busy, sends the origins, then lets them through one by one; returns the order of names. */
async function orderOf(origins: (Origin & { name: string })[], waiting = 100) {
  const { pass } = createFairGate(1, waiting, () => new Error('full'))
  const { promise: busy, resolve: release } = Promise.withResolvers<void>()
  const first = pass({ address: 'x', account: 'x' }, () => busy)
  const order: string[] = []
  const refused: string[] = []
  const works = origins.map(({ name, ...origin }) =>
    pass(origin, async () => void order.push(name)).catch(() => void refused.push(name)),
  )
  release()
  await Promise.all([first, ...works])
  return { order, refused }
}

const many = (count: number, make: (n: number) => Origin) =>
  Array.from({ length: count }, (_, n) => ({ ...make(n), name: `a${n}` }))

t.test('one address waits for itself, not everyone for it', async (t) => {
  const attack = many(50, (n) => ({ address: '192.0.2.1', account: `${n}` }))
  const person = { address: '192.0.2.2', account: 'ann', name: 'ann' }
  const { order } = await orderOf([...attack, person])
  t.strictSame(order.slice(0, 3), ['a0', 'ann', 'a1'])
})

t.test('one account waits for itself, from however many addresses', async (t) => {
  const attack = many(50, (n) => ({ address: `192.0.2.${n}`, account: 'ben' }))
  const person = { address: '198.51.100.1', account: 'ann', name: 'ann' }
  const { order } = await orderOf([...attack, person])
  t.equal(order.indexOf('ann'), 1)
})

t.test('a known origin waits neither for its address nor for attacks on its account', async (t) => {
  const attack = many(50, (n) => ({ address: '192.0.2.1', account: `${n}` }))
  const targeted = many(50, (n) => ({ address: `192.0.2.${n}`, account: 'ann' }))
  const person = { address: '192.0.2.1', account: 'ann', isKnown: true, name: 'ann' }
  t.equal((await orderOf([...attack, person])).order[0], 'ann')
  t.ok((await orderOf([...targeted, person])).order.indexOf('ann') <= 1)
})

t.test('known origins of one address wait for each other, not everyone for them', async (t) => {
  const own = many(50, (n) => ({ address: '192.0.2.1', account: `${n}`, isKnown: true }))
  const person = { address: '192.0.2.2', account: 'ann', isKnown: true, name: 'ann' }
  const { order, refused } = await orderOf([...own, person], 10)
  t.ok(order.indexOf('ann') <= 8, `${order.indexOf('ann')} come first`)
  t.notOk(refused.includes('ann'))
})

t.test('the people of one network come before strangers of many addresses', async (t) => {
  const attack = many(50, (n) => ({ address: `192.0.2.${n}`, account: `${n}` }))
  const people = Array.from({ length: 6 }, (_, n) => {
    const name = `person ${n}`
    return { address: '198.51.100.1', account: name, isKnown: true, name }
  })
  const { order, refused } = await orderOf([...attack, ...people], 20)
  t.strictSame(
    order.slice(0, 6),
    people.map(({ name }) => name),
  )
  t.notOk(refused.some((name) => name.startsWith('person')))
})

t.test('a full queue refuses the work that would come last', async (t) => {
  const attack = many(12, (n) => ({ address: '192.0.2.1', account: `${n}` }))
  const person = { address: '192.0.2.2', account: 'ann', name: 'ann' }
  const { order, refused } = await orderOf([...attack, person], 10)
  t.strictSame(order.slice(0, 2), ['a0', 'ann'])
  t.strictSame(refused.sort(), ['a10', 'a11', 'a9'])
})

t.test('a full queue tells which works it would refuse', async (t) => {
  const { pass, isFull } = createFairGate(1, 2, () => new Error('full'))
  const { promise: busy, resolve: release } = Promise.withResolvers<void>()
  const attack = { address: '192.0.2.1', account: 'x' }
  const works = [1, 2, 3].map(() => pass(attack, () => busy))
  t.equal(isFull(attack), true)
  t.equal(isFull({ address: '192.0.2.2', account: 'ann' }), false)
  release()
  await Promise.all(works)
  t.equal(isFull(attack), false)
})

t.test('a work that fails passes its turn on', async (t) => {
  const { pass } = createFairGate(1, 10, () => new Error('full'))
  const origin = { address: 'x', account: 'x' }
  const failing = pass(origin, () => Promise.reject(new Error('broken')))
  const next = pass(origin, async () => 'done')
  await t.rejects(failing, { message: 'broken' })
  t.equal(await next, 'done')
  t.equal(await pass(origin, async () => 'again'), 'again')
})
