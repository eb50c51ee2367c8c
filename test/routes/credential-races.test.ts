import t from 'tap'
import { call, setUp, signUp, type User } from '../helper.ts'

const app = await setUp(t)

/** Runs between the check of a password and the answer. */
let meanwhile: (() => Promise<unknown>) | undefined
app.auth.addLoginCheck(async () => {
  const work = meanwhile
  meanwhile = undefined
  await work?.()
})
const checkFor = ({ email, password }: User) =>
  app.auth.checkCredentials(email, password, '127.0.0.1')

t.test('a password that changes during the check is wrong', async (t) => {
  const user = await signUp(app)
  t.equal(await checkFor(user), user.id)
  const body = { password: user.password, newPassword: 'xK4-tulip-row' }
  meanwhile = () => call(app, 'PUT /v1/users/me/password', { as: user, body })
  await t.rejects(checkFor(user), { code: 'WRONG_CREDENTIALS' })
})

t.test('an account that is suspended or deleted during the check is refused', async (t) => {
  const [suspended, deleted] = [await signUp(app), await signUp(app)]
  meanwhile = () => app.moderation.actOn('suspend', { userId: suspended.id, reason: 'Spam' })
  await t.rejects(checkFor(suspended), { code: 'ACCOUNT_SUSPENDED' })
  meanwhile = () => app.users.remove(deleted.id)
  await t.rejects(checkFor(deleted), { code: 'WRONG_CREDENTIALS' })
})
