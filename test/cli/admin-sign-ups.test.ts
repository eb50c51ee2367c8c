import t from 'tap'
import { settings, setUp, signUp } from '../helper.ts'
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
