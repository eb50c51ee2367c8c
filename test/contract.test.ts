import { URI } from 'otpauth'
import t from 'tap'
import { passkeyOf } from './authenticator.ts'
import { type App, signUp as createAccount, drained, relate, setUp, tweet } from './helper.ts'
import { formOf, newMedia, plain, sendForm, upload } from './multipart.ts'
import { startPrism } from './prism.ts'
import { startSmtp, tokenIn } from './smtp.ts'
import { operationsOf } from './undocumented.ts'

// A session calls every operation through a proxy that knows the API by its document alone.

const PASSWORD = 'correct horse battery'
const acceptedTerms = '2026-01'
const signUp = (on: App, name?: string) => createAccount(on, name, { acceptedTerms })
const smtp = await startSmtp(t)
const app = await setUp(t, {
  LIVE_STREAMS_PER_USER: '1',
  MAIL_URL: smtp.url,
  MAIL_FROM: 'birdhouse@example.com',
  TERMS_VERSION: acceptedTerms,
  SECURITY_CONTACT: 'mailto:security@host.example',
})
await app.listen({ host: '127.0.0.1', port: 0 })
const { ask, spoil, follow, called, wrote } = await startPrism(t, app)
const [ann, ben, cho] = [
  await signUp(app, 'Ann'),
  await signUp(app, 'Ben'),
  await signUp(app, '초희'),
]
const operations = operationsOf(app)

/** Prism mangles the bytes of a form. */
const takesForm = ({ requestBody }: (typeof operations)[number]) =>
  requestBody?.content['multipart/form-data'] !== undefined

t.test('operations on accounts and sessions answer as documented', async (t) => {
  const account = { name: 'Dora', email: 'dora@example.com', password: PASSWORD, acceptedTerms }
  const { user, refreshToken } = await ask(t, 201, 'POST /v1/auth/sign-up', { body: account })
  await ask(t, 409, 'POST /v1/auth/sign-up', { body: account })
  const { email, password } = account
  await ask(t, 401, 'POST /v1/auth/login', { body: { email, password: 'wrong' } })
  const { accessToken: token } = await ask(t, 200, 'POST /v1/auth/login', {
    body: { email, password },
  })
  await ask(t, 200, 'POST /v1/auth/refresh', { body: { refreshToken } })
  await ask(t, 401, 'POST /v1/auth/refresh', { body: { refreshToken: 'A'.repeat(43) } })
  const as = { token }
  const { items } = await ask(t, 200, 'GET /v1/auth/sessions', { as })
  const other = items.find(({ current }: { current: boolean }) => !current)
  await ask(t, 204, `DELETE /v1/auth/sessions/${other.id}`, { as })
  await ask(t, 404, `DELETE /v1/auth/sessions/${other.id}`, { as })
  await ask(t, 204, 'DELETE /v1/auth/sessions', { as })

  await ask(t, 200, 'GET /v1/users/me', { as })
  await ask(t, 200, 'PATCH /v1/users/me', { as, body: { name: '도라', profile: 'hi' } })
  await ask(t, 409, 'PATCH /v1/users/me', { as, body: { handle: ann.handle } })
  await ask(t, 200, `GET /v1/users/${user.id}`)
  await ask(t, 404, 'GET /v1/users/999999')
  await ask(t, 200, `GET /v1/users/by-handle/${ann.handle}`, { as })
  const change = (body: object) => ({ as, body: { newPassword: password, ...body } })
  await ask(t, 403, 'PUT /v1/users/me/password', change({ password: 'wrong' }))
  await ask(t, 204, 'PUT /v1/users/me/password', change({ password }))
  await ask(t, 200, 'GET /v1/auth/second-factor', { as })
  await ask(t, 403, 'POST /v1/auth/second-factor', { as, body: { password: 'wrong' } })
  const { url } = await ask(t, 200, 'POST /v1/auth/second-factor', { as, body: { password } })
  const wrong = { password, code: 'WRONG-CODE' }
  await ask(t, 403, 'POST /v1/auth/second-factor/confirm', { as, body: { code: wrong.code } })
  await ask(t, 409, 'DELETE /v1/auth/second-factor', { as, body: wrong })
  const code = URI.parse(url).generate()
  const { recoveryCodes } = await ask(t, 200, 'POST /v1/auth/second-factor/confirm', {
    as,
    body: { code },
  })
  const proof = { password, code: recoveryCodes[1] }
  await ask(t, 403, 'POST /v1/users/me/exports', { as, body: { password } })
  const { id } = await ask(t, 202, 'POST /v1/users/me/exports', { as, body: proof })
  await ask(t, 200, 'GET /v1/users/me/exports', { as })
  await drained(app)
  await ask(t, 200, `GET /v1/users/me/exports/${id}/archive`, { as })
  await ask(t, 404, 'GET /v1/users/me/exports/999999/archive', { as })
  const passkeys = '/v1/auth/second-factor/passkeys'
  await ask(t, 409, 'POST /v1/auth/passkey-options', { body: { email, password } })
  await ask(t, 403, `POST ${passkeys}/options`, { as, body: { password } })
  const begun = { as, body: { password, code: recoveryCodes[2] } }
  const passkey = passkeyOf(`http://localhost:${app.config.port}`)
  const created = passkey.create(await ask(t, 200, `POST ${passkeys}/options`, begun))
  const addition = { as, body: { name: '열쇠', passkey: created } }
  const added = await ask(t, 201, `POST ${passkeys}`, addition)
  await ask(t, 422, `POST ${passkeys}`, addition)
  await ask(t, 200, `GET ${passkeys}`, { as })
  await ask(t, 200, `PATCH ${passkeys}/${added.id}`, { as, body: { name: '새 이름' } })
  await ask(t, 404, `PATCH ${passkeys}/999999`, { as, body: { name: '새 이름' } })
  const toLogIn = await ask(t, 200, 'POST /v1/auth/passkey-options', { body: { email, password } })
  const loggingIn = { email, password, passkey: passkey.get(toLogIn) }
  await ask(t, 200, 'POST /v1/auth/login', { body: loggingIn })
  const toAct = await ask(t, 200, 'POST /v1/auth/second-factor/passkey-options', { as })
  const removal = { as, body: { password, passkey: passkey.get(toAct) } }
  await ask(t, 204, `DELETE ${passkeys}/${added.id}`, removal)
  await ask(t, 409, 'POST /v1/auth/second-factor/passkey-options', { as })
  const recovery = { password, code: recoveryCodes[0] }
  await ask(t, 204, 'DELETE /v1/auth/second-factor', { as, body: recovery })
  await ask(t, 409, 'POST /v1/users/me/terms', { as, body: { version: '2025-01' } })
  await ask(t, 204, 'POST /v1/users/me/terms', { as, body: { version: acceptedTerms } })
  await ask(t, 403, 'DELETE /v1/users/me', { as, body: { password: 'wrong' } })
  await ask(t, 204, 'DELETE /v1/users/me', { as, body: { password } })
  await ask(t, 401, 'GET /v1/users/me', { as })
})

t.test('operations on relationships answer as documented', async (t) => {
  for (const relation of ['follow', 'mute', 'block']) {
    await ask(t, 204, `PUT /v1/users/${ben.id}/${relation}`, { as: ann })
    await ask(t, 400, `PUT /v1/users/${ann.id}/${relation}`, { as: ann })
    await ask(t, 404, `PUT /v1/users/999999/${relation}`, { as: ann })
  }
  await ask(t, 403, `PUT /v1/users/${ann.id}/follow`, { as: ben })
  await ask(t, 200, 'GET /v1/users/me/blocks', { as: ann })
  await ask(t, 200, 'GET /v1/users/me/mutes?limit=1', { as: ann })
  for (const relation of ['block', 'mute', 'follow'])
    await ask(t, 204, `DELETE /v1/users/${ben.id}/${relation}`, { as: ann })
  await relate(app, ann, 'follow', ben)
  await relate(app, cho, 'follow', ben)
  const { nextCursor } = await ask(t, 200, `GET /v1/users/${ben.id}/followers?limit=1`)
  await ask(t, 200, `GET /v1/users/${ben.id}/followers?cursor=${nextCursor}`, { as: ann })
  await ask(t, 200, `GET /v1/users/${ann.id}/following`)
})

t.test('operations on tweets and pictures answer as documented', async (t) => {
  const media = await newMedia(app, ben, await plain())
  const unused = await newMedia(app, ben, await plain())
  await ask(t, 200, 'GET /v1/media/usage', { as: ben })
  await ask(t, 200, `GET /v1/media/${media.id}`, { as: ben })
  await ask(t, 404, `GET /v1/media/${media.id}`, { as: ann })
  await ask(t, 200, `PATCH /v1/media/${media.id}`, { as: ben, body: { alt: 'A bird' } })
  await ask(t, 204, `DELETE /v1/media/${unused.id}`, { as: ben })

  const body = { text: `@${ann.handle} #새 hello`, mediaIds: [media.id] }
  const headers = { 'idempotency-key': 'first' }
  const { id } = await ask(t, 201, 'POST /v1/tweets', { as: ben, body, headers })
  await ask(t, 201, 'POST /v1/tweets', { as: ben, body, headers })
  await ask(t, 422, 'POST /v1/tweets', { as: ben, body: { text: 'other' }, headers })
  await ask(t, 409, `DELETE /v1/media/${media.id}`, { as: ben })
  await ask(t, 404, 'POST /v1/tweets', { as: ann, body: { text: 'to none', replyToId: 999999 } })
  await ask(t, 201, 'POST /v1/tweets', { as: ann, body: { text: 'a reply', replyToId: id } })

  for (const reaction of ['like', 'retweet', 'bookmark']) {
    await ask(t, 204, `PUT /v1/tweets/${id}/${reaction}`, { as: ann })
    await ask(t, 404, `PUT /v1/tweets/999999/${reaction}`, { as: ann })
  }
  await drained(app)
  await ask(t, 200, `GET /v1/tweets/${id}`)
  await ask(t, 200, `GET /v1/tweets/${id}/replies`, { as: ann })
  await ask(t, 200, `GET /v1/tweets/${id}/likes`)
  await ask(t, 200, `GET /v1/users/${ben.id}/tweets`, { as: ann })
  await ask(t, 200, `GET /v1/users/${ann.id}/likes`)
  await ask(t, 200, 'GET /v1/bookmarks', { as: ann })
  await ask(t, 200, 'GET /v1/tweets', { as: ann })
  const { sinceCursor } = await ask(t, 200, 'GET /v1/timeline', { as: ann })
  await ask(t, 200, `GET /v1/timeline?since=${sinceCursor}&limit=5`, { as: ann })
  await ask(t, 200, 'GET /v1/users/me/mentions', { as: ann })
  await ask(t, 200, 'GET /v1/notifications?unread=true', { as: ann })
  const { items } = await ask(t, 200, 'GET /v1/notifications', { as: ben })
  await ask(t, 200, `GET /v1/notifications/${items[0].id}/people`, { as: ben })
  await ask(t, 204, 'PUT /v1/notifications/read', { as: ben, body: { upTo: items[0].latestId } })

  for (const reaction of ['like', 'retweet', 'bookmark'])
    await ask(t, 204, `DELETE /v1/tweets/${id}/${reaction}`, { as: ann })
  await ask(t, 403, `DELETE /v1/tweets/${id}`, { as: ann })
  await ask(t, 204, `DELETE /v1/tweets/${id}`, { as: ben })
  await ask(t, 200, `GET /v1/tweets/${id}`)
})

t.test('operations on hashtags answer as documented', async (t) => {
  const tag = encodeURIComponent('새')
  await ask(t, 200, `GET /v1/hashtags/${tag}/tweets`)
  await ask(t, 404, `GET /v1/hashtags/${'9'.repeat(101)}/tweets`)
  await ask(t, 200, 'GET /v1/hashtags/trending')
  await ask(t, 204, `PUT /v1/hashtags/${tag}/mute`, { as: ann })
  await ask(t, 200, 'GET /v1/hashtags/muted', { as: ann })
  await ask(t, 204, `DELETE /v1/hashtags/${tag}/mute`, { as: ann })
})

t.test('operations on profile pictures answer as documented', async (t) => {
  for (const kind of ['avatar', 'header']) {
    await ask(t, 404, `GET /v1/users/${ben.id}/${kind}`)
    await sendForm(app, ben, formOf(await plain()), `PUT /v1/users/me/${kind}`)
    await follow(t, `GET /v1/users/${ben.id}/${kind}`)
    await follow(t, `GET /v1/users/${ben.id}/${kind}?size=small`)
    await ask(t, 204, `DELETE /v1/users/me/${kind}`, { as: ben })
  }
})

t.test('the live stream answers as documented', async (t) => {
  const stream = ask(t, 200, 'GET /v1/live', { as: cho })
  await wrote('The upstream call to /v1/live has returned 200')
  await ask(t, 429, 'GET /v1/live', { as: cho })
  await ask(t, 406, 'GET /v1/live', { as: cho, headers: { accept: 'application/json' } })
  await ask(t, 204, 'POST /v1/auth/logout', { as: cho })
  t.match(await stream, 'event: hello', 'ended by the end of its session')
})

t.test('operations that send mail answer as documented', async (t) => {
  const as = await signUp(app, 'Ida')
  const newest = async (address: string) => {
    await drained(app)
    return tokenIn(smtp.to(address).at(-1))
  }
  const wrong = { token: 'A'.repeat(43) }
  await ask(t, 202, 'POST /v1/auth/email-verification', { as })
  const verify = 'POST /v1/auth/email-verification/confirm'
  await ask(t, 400, verify, { body: wrong })
  await ask(t, 204, verify, { body: { token: await newest(as.email) } })
  const email = 'ida.new@example.com'
  const change = 'PUT /v1/users/me/email'
  await ask(t, 403, change, { as, body: { email, password: 'wrong' } })
  await ask(t, 202, change, { as, body: { email, password: as.password } })
  const token = await newest(email)
  await ask(t, 204, 'POST /v1/auth/email-change/confirm', { body: { token } })
  await ask(t, 202, 'POST /v1/auth/password-reset', { body: { email } })
  const body = { token: await newest(email), newPassword: 'xK4-tulip-row' }
  await ask(t, 204, 'POST /v1/auth/password-reset/confirm', { body })
  await ask(t, 400, 'POST /v1/auth/password-reset/confirm', { body })
})

t.test('the flat API and the health checks answer as documented', async (t) => {
  for (const path of ['/livez', '/readyz', '/ping', '/.well-known/security.txt'])
    await ask(t, 200, `GET ${path}`)
  const person = { name: 'Eve', email: 'eve@example.com', password: PASSWORD, profile: 'hi' }
  const account = { ...person, acceptedTerms }
  const { id } = await ask(t, 200, 'POST /sign-up', { body: account })
  await ask(t, 409, 'POST /sign-up', { body: account })
  const { email, password } = account
  await ask(t, 401, 'POST /login', { body: { email, password: 'wrong' } })
  const { access_token } = await ask(t, 200, 'POST /login', { body: { email, password } })
  const headers = { authorization: access_token }
  await ask(t, 200, `GET /view-data?id=${id}`, { headers })
  await ask(t, 404, 'GET /view-data?id=999999')
  await ask(t, 200, 'POST /tweet', { headers, body: { tweet: 'hello' } })
  const tweet_id = (await tweet(app, ben)).id
  await ask(t, 200, 'POST /like', { headers, body: { tweet_id } })
  await ask(t, 200, 'POST /unlike', { headers, body: { tweet_id: String(tweet_id) } })
  await ask(t, 404, 'POST /like', { headers, body: { tweet_id: 999999 } })
  await ask(t, 200, 'POST /follow', { headers, body: { follow: ben.id } })
  await ask(t, 200, 'POST /unfollow', { headers, body: { unfollow: ben.id } })
  await ask(t, 200, 'GET /timeline', { headers })
  await ask(t, 404, `GET /profile-picture/s3/${id}`)
  await upload(app, await plain(), { as: ben })
  await ask(t, 200, `GET /profile-picture/s3/${ben.id}`)
  await ask(t, 200, `GET /profile-picture/local/${ben.id}`)
})

t.test('operations of moderation answer as documented', async (t) => {
  const [boss, bad] = [await signUp(app, 'Fay'), await signUp(app, 'Gil')]
  await app.moderation.setRole(boss.id, 'admin')
  const reason = 'Advertising'
  const as = boss
  const body = { reason }
  const media = await newMedia(app, bad, await plain())
  const pictured = await tweet(app, bad, 'a picture', { mediaIds: [media.id] })
  const reporting = { kind: 'tweet', id: pictured.id, category: 'spam', text: '광고' }
  const { id: reportId } = await ask(t, 201, 'POST /v1/reports', { as: ann, body: reporting })
  await ask(t, 404, 'POST /v1/reports', { as: ann, body: { ...reporting, id: 999999 } })
  await ask(t, 200, 'GET /v1/reports', { as: ann })
  await ask(t, 403, 'GET /v1/admin/reports', { as: ann })
  await ask(t, 200, 'GET /v1/admin/reports', { as })
  await ask(t, 204, `POST /v1/admin/media/${media.id}/remove`, { as, body })
  await ask(t, 404, `POST /v1/admin/media/${media.id}/remove`, { as, body })
  for (const kind of ['avatar', 'header']) {
    await sendForm(app, bad, formOf(await plain()), `PUT /v1/users/me/${kind}`)
    await ask(t, 204, `POST /v1/admin/users/${bad.id}/${kind}/remove`, { as, body })
  }
  await ask(t, 204, `POST /v1/admin/tweets/${(await tweet(app, bad)).id}/remove`, { as, body })
  const closing = { as, body: { act: 'warn', reason } }
  await ask(t, 204, `POST /v1/admin/reports/${reportId}/close`, closing)
  await ask(t, 409, `POST /v1/admin/reports/${reportId}/close`, closing)
  await ask(t, 200, 'GET /v1/admin/reports?state=closed', { as })
  const { items } = await ask(t, 200, 'GET /v1/moderation/acts', { as: bad })
  const appealing = { as: bad, body: { text: 'I am sorry' } }
  await ask(t, 204, `POST /v1/moderation/acts/${items[0].id}/appeal`, appealing)
  await ask(t, 409, `POST /v1/moderation/acts/${items[0].id}/appeal`, appealing)
  for (const act of ['warn', 'limit', 'restore', 'suspend'])
    await ask(t, 204, `POST /v1/admin/users/${bad.id}/${act}`, { as, body })
  await ask(t, 409, `POST /v1/admin/users/${bad.id}/suspend`, { as, body })
  await ask(t, 200, `GET /v1/admin/users/${bad.id}`, { as })
  const { email, password } = bad
  await ask(t, 403, 'POST /v1/auth/login', { body: { email, password } })
  await ask(t, 403, 'POST /login', { body: { email, password } })
  const suspension = { email, password, text: 'I am sorry' }
  await ask(t, 204, 'POST /v1/moderation/appeals', { body: suspension })
  await ask(t, 409, 'POST /v1/moderation/appeals', { body: suspension })
  const appeals = await ask(t, 200, 'GET /v1/admin/appeals', { as })
  const answering = { as, body: { outcome: 'granted', answer: 'Welcome back' } }
  for (const { id } of appeals.items)
    await ask(t, 204, `POST /v1/admin/appeals/${id}/answer`, answering)
  await ask(t, 409, `POST /v1/admin/appeals/${appeals.items[0].id}/answer`, answering)
  await ask(t, 200, 'GET /v1/admin/appeals?state=closed', { as })
  const invitation = await ask(t, 201, 'POST /v1/admin/invitations', { as, body: { uses: 2 } })
  await ask(t, 200, 'GET /v1/admin/invitations', { as })
  await ask(t, 204, `DELETE /v1/admin/invitations/${invitation.id}`, { as })
  const spam = { kind: 'domain', value: 'spam.example', reason: 'Advertising' }
  const blocked = await ask(t, 201, 'POST /v1/admin/sign-up-blocks', { as, body: spam })
  await ask(t, 409, 'POST /v1/admin/sign-up-blocks', { as, body: spam })
  const spammer = { name: 'Spam', email: 'a@spam.example', password: PASSWORD }
  await ask(t, 422, 'POST /v1/auth/sign-up', { body: spammer })
  await ask(t, 200, 'GET /v1/admin/sign-up-blocks', { as })
  await ask(t, 204, `POST /v1/admin/sign-up-blocks/${blocked.id}/lift`, { as, body })
  const newcomers = [await signUp(app, 'Jin'), await signUp(app, 'Kai')]
  for (const { id } of newcomers) await app.transaction((tx) => app.users.states.setWaiting(tx, id))
  await ask(t, 200, 'GET /v1/admin/sign-ups', { as })
  const [jin, kai] = newcomers.map(({ id }) => `POST /v1/admin/sign-ups/${id}`)
  await ask(t, 204, `${jin}/approve`, { as })
  await ask(t, 409, `${jin}/approve`, { as })
  await ask(t, 204, `${kai}/refuse`, { as, body })
  await ask(t, 404, `${kai}/refuse`, { as, body })
  await ask(t, 204, `PUT /v1/admin/users/${ben.id}/role`, { as, body: { role: 'moderator' } })
  await ask(t, 200, `GET /v1/admin/acts?accountId=${bad.id}`, { as })
})

t.test('every operation has been called', (t) => {
  const all = operations.filter((operation) => !takesForm(operation))
  t.strictSame([...called].sort(), all.map(({ operationId }) => operationId).sort())
  t.end()
})

t.test('every operation rejects bad requests as documented', async (t) => {
  const as = ann
  await app.moderation.setRole(ann.id, 'admin')
  for (const operation of operations) {
    const { route, method, security = [], parameters = [] } = operation
    const line = route.replaceAll(/\{.*?\}/g, '1')
    const open = security.length === 0 || security.some((one) => Object.keys(one).length === 0)
    if (!open) await spoil(t, 401, line)
    if (parameters.some(({ name }) => name === 'limit'))
      await spoil(t, 400, `${line}?limit=0`, { as })
    if (route.includes('{id}')) await spoil(t, 400, route.replace('{id}', 'x'), { as })
    if (method === 'GET') continue
    const large = { text: 'x'.repeat(70_000) }
    if (!takesForm(operation)) await spoil(t, 413, line, { as, body: large })
    const headers = { 'content-type': 'application/xml' }
    await spoil(t, 415, line, { as, body: {}, headers })
  }
})
