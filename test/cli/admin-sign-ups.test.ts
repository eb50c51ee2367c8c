import t from 'tap'
import { call, settings, setUp, signUp } from '../helper.ts'
import { birdhouse } from './birdhouse.ts'

const env = { ...(await settings(t)), LOG_LEVEL: 'error' }
const app = await setUp(t, { ...env, LOG_LEVEL: 'silent' })
const admin = (line: string) => birdhouse(`admin ${line}`, { env })

t.test('sign-ups are listed, approved and refused', async (t) => {
  const [kept, refused] = [await signUp(app, 'Kept'), await signUp(app, 'Refused')]
  for (const { id } of [kept, refused])
    await app.transaction((tx) => app.users.states.setWaiting(tx, id))
  t.match((await admin('sign-ups')).out, new RegExp(`@${kept.handle} .*${kept.email}`))
  const [approval, refusal] = await Promise.all([
    admin(`approve ${kept.email}`),
    admin(`refuse @${refused.handle} --reason Advertising`),
  ])
  t.match(approval, { code: 0, errors: '', out: `@${kept.handle} is approved.` })
  t.match(refusal, { code: 0, errors: '', out: `@${refused.handle} is refused` })
  t.same((await app.signUp.signUps({ limit: 9 })).items, [])
})

t.test('invitations are made, listed and revoked', async (t) => {
  const made = JSON.parse((await admin('invite --uses 3 --json')).out)
  t.match(made, { uses: 3, code: /^[\w-]{22}$/ })
  const [list, revoked] = await Promise.all([
    admin('invitations'),
    admin(`revoke-invitation ${made.id}`),
  ])
  t.match(list.out, /operator +3 of 3/)
  t.match(revoked, { code: 0, errors: '', out: `Invitation ${made.id} is revoked.` })
})

t.test('domains and ranges are blocked, listed and lifted', async (t) => {
  const reason = '--reason Advertising'
  const [domain, range, wrong, missing] = await Promise.all([
    admin(`block-domain Spam.Example ${reason} --json`),
    admin(`block-range 192.0.2.7/24 ${reason}`),
    admin(`block-range 0.0.0.0/0 ${reason}`),
    admin('block-domain spam.example'),
  ])
  const { id, value } = JSON.parse(domain.out)
  t.equal(value, 'spam.example')
  t.match(range, { code: 0, errors: '', out: /^192\.0\.2\.0\/24 is blocked, block \d+\.\n$/ })
  t.match(wrong, { code: 1, out: '', errors: /not all addresses/ })
  t.match(missing, { code: 2, out: '', errors: /--reason/ })
  const body = { name: 'Spam', email: 'a@mail.spam.example', password: 'xK4-tulip-row' }
  const signUp = () => call(app, 'POST /v1/auth/sign-up', { body })
  t.match(await signUp(), { status: 422, body: { code: 'EMAIL_DOMAIN_BLOCKED' } })
  const blocks = await admin('blocks')
  t.match(blocks, { code: 0, errors: '', out: /spam\.example +Advertising/ })
  t.match(blocks.out, /192\.0\.2\.0\/24 +Advertising/)

  t.match(await admin(`lift-block ${id} ${reason}`), { code: 0, out: `Block ${id} is lifted.` })
  t.equal((await signUp()).status, 201)
  const [again, left] = await Promise.all([admin(`lift-block ${id} ${reason}`), admin('blocks')])
  t.match(again, { code: 1, out: '', errors: /no block with this id/ })
  t.notMatch(left.out, /spam\.example/)
})
