import t from 'tap'
import { call, settings, setUp, signUp } from '../helper.ts'
import { newMedia, plain, upload } from '../multipart.ts'
import { hang, startS3FaultProxy } from '../s3-fault-proxy.ts'

const env = await settings(t)
const front = await startS3FaultProxy(t, env.S3_ENDPOINT ?? '')
const app = await setUp(t, { ...env, S3_ENDPOINT: front.url })
const jpeg = await plain()
const reads = () => front.seen.filter((line) => line.startsWith('GET')).length

t.test('a picture that many ask for is read from the store once', async (t) => {
  const user = await signUp(app, 'Popular')
  await upload(app, jpeg, { as: user })
  const before = reads()
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => call(app, `GET /profile-picture/local/${user.id}`)),
  )
  t.strictSame([...new Set(answers.map(({ status }) => status))], [200])
  t.equal(reads() - before, 1)
  await upload(app, await plain(50, 50, 'red'), { as: user })
  const next = await call(app, `GET /profile-picture/local/${user.id}`)
  t.equal(next.status, 200)
  t.not(next.body, answers[0]?.body, 'a new picture is served at once')
})

t.test('many slow reads of different pictures leave the store to uploads', async (t) => {
  const [user, ...others] = [
    await signUp(app, 'Uploads'),
    await signUp(app, 'One'),
    await signUp(app, 'Two'),
  ]
  const { users } = app.tables
  const slow = Array.from({ length: 198 }, (_, n) => ({
    name: 'Many',
    handle: `many_${n}`,
    email: `many${n}@example.com`,
    profile: '',
    passwordHash: '',
    avatarKey: `missing-${n}`,
  }))
  const [{ insertId }] = await app.db.insert(users).values(slow)
  const ids = slow.map((_, n) => insertId + n)
  const before = reads()
  front.misbehave(({ request, response, pass }, store) =>
    request.method === 'GET' ? hang({ request, response, pass }, store) : pass(),
  )
  const reading = ids.map((id) => call(app, `GET /profile-picture/local/${id}`))
  const statuses: number[] = []
  for (const answer of reading) void answer.then(({ status }) => statuses.push(status))
  for (let n = 0; n < 5; n++) {
    const made = await Promise.all([user, ...others].map((as) => newMedia(app, as, jpeg)))
    t.equal(made.length, 3)
  }
  t.ok(reads() - before <= 4, `${reads() - before} calls at once`)
  t.ok(statuses.includes(503), 'what cannot wait is refused')
  front.misbehave()
  await Promise.all(reading)
})
