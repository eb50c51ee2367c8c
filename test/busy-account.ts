import { URI } from 'otpauth'
import { passkeyOf } from './authenticator.ts'
import { type App, call, drained, like, relate, retweet, signUp, tweet } from './helper.ts'
import { formOf, newMedia, plain, sendForm } from './multipart.ts'
import { type startSmtp, tokenIn } from './smtp.ts'

/** The person's own words and places, each in no other text of a test. */
export const PERSONAL = {
  email: 'onyu.secret@example.com',
  name: '온유 비밀',
  handle: 'onyu_secret',
  formerHandle: 'onyu_before',
  profile: '비밀 소개 프로필',
  tweet: '비밀 트윗 본문',
  alt: '비밀 사진 설명',
  passkey: '비밀 열쇠',
  field: '비밀 주소',
  userAgent: 'SecretBrowser/7',
  address: '203.0.113.77',
  newEmail: 'onyu.elsewhere@example.com',
}

/** An account that has used every feature, with a friend, a stranger and a moderator around it. */
export async function busyAccount(app: App, smtp: Awaited<ReturnType<typeof startSmtp>>) {
  const { email, name, profile } = PERSONAL
  const [friend, stranger, boss] = [await signUp(app), await signUp(app), await signUp(app)]
  await app.moderation.setRole(boss.id, 'admin')
  const person = await signUp(app, name, { email, profile, handle: PERSONAL.formerHandle })
  const login = await app.inject({
    method: 'POST',
    url: '/v1/auth/login',
    remoteAddress: PERSONAL.address,
    headers: { 'user-agent': PERSONAL.userAgent },
    payload: { email, password: person.password },
  })
  const as = { ...person, token: login.json().accessToken as string }
  const ask = async (line: string, body?: object, by: { token: string } = as) => {
    const answer = await call(app, line, { as: by, ...(body && { body }) })
    if (answer.status >= 300) throw new Error(`${line}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  await ask('PATCH /v1/users/me', { handle: PERSONAL.handle })
  for (const kind of ['avatar', 'header'])
    await sendForm(app, as, formOf(await plain()), `PUT /v1/users/me/${kind}`)
  const used = await newMedia(app, as, await plain(900, 30), PERSONAL.alt)
  const unused = await newMedia(app, as, await plain())
  const text = `${PERSONAL.tweet} #비밀 @${friend.handle}`
  const headers = { 'idempotency-key': 'once' }
  const first = await call(app, 'POST /v1/tweets', {
    as,
    headers,
    body: { text, mediaIds: [used.id] },
  })
  // Before they follow each other, so that the mention is one of a stranger.
  await drained(app)
  const others = await tweet(app, friend, `@${PERSONAL.handle} 안녕`)
  await tweet(app, friend, '답글', { replyToId: first.body.id })
  const reply = await tweet(app, as, PERSONAL.tweet, { replyToId: others.id })
  const gone = await tweet(app, as, PERSONAL.tweet)
  await ask(`DELETE /v1/tweets/${gone.id}`)
  await like(app, as, others.id)
  await retweet(app, as, others.id)
  await ask(`PUT /v1/tweets/${others.id}/bookmark`)
  await like(app, friend, first.body.id)
  await retweet(app, friend, first.body.id)
  await relate(app, as, 'follow', friend)
  await relate(app, friend, 'follow', as)
  await relate(app, as, 'mute', stranger)
  await relate(app, as, 'block', stranger)
  await ask(`PUT /v1/hashtags/${encodeURIComponent('조용히')}/mute`)

  await useApp(app, as.id, stranger.id)
  await useWeb(app, as.id)
  const { acceptedTerms, invitationUses } = app.tables
  await app.db.insert(acceptedTerms).values({ userId: as.id, version: '2026-01' })
  const { id: invitationId } = await ask('POST /v1/admin/invitations', {}, boss)
  await app.db.insert(invitationUses).values({ userId: as.id, invitationId })

  const report = { kind: 'tweet', id: others.id, category: 'spam', text: '광고' }
  await ask('POST /v1/reports', report)
  await ask('POST /v1/reports', { ...report, id: first.body.id }, friend)
  await ask(`POST /v1/admin/users/${as.id}/warn`, { reason: '경고 이유' }, boss)
  const acts = await ask('GET /v1/moderation/acts')
  await ask(`POST /v1/moderation/acts/${acts.items[0].id}/appeal`, { text: '이의' })

  await call(app, 'POST /v1/auth/login', { body: { email, password: 'a wrong password' } })
  const { url } = await ask('POST /v1/auth/second-factor', { password: as.password })
  const code = URI.parse(url).generate()
  const { recoveryCodes } = await ask('POST /v1/auth/second-factor/confirm', { code })
  const passkeys = '/v1/auth/second-factor/passkeys'
  const proof = { password: as.password, code: recoveryCodes[3] }
  const passkey = passkeyOf(`http://localhost:${app.config.port}`)
  const created = passkey.create(await ask(`POST ${passkeys}/options`, proof))
  await ask(`POST ${passkeys}`, { name: PERSONAL.passkey, passkey: created })
  await ask('POST /v1/auth/second-factor/passkey-options')
  await ask('POST /v1/auth/email-verification')
  await drained(app)
  const token = tokenIn(smtp.to(email).findLast(({ subject }) => /[Cc]onfirm/.test(subject ?? '')))
  await ask('POST /v1/auth/email-verification/confirm', { token })
  await ask('POST /v1/auth/email-verification')
  await ask('POST /v1/auth/logout', undefined, person)
  await ask('PUT /v1/users/me/email', {
    email: PERSONAL.newEmail,
    password: as.password,
    code: recoveryCodes[0],
  })
  await ask('POST /v1/auth/password-reset', { email })
  await drained(app)
  for (const path of ['timeline', 'notifications', 'users/me/mentions'])
    await ask(`GET /v1/${path}`)
  await ask('PUT /v1/notifications/read', {})
  return {
    as,
    friend,
    stranger,
    boss,
    tweet: first.body,
    others,
    reply,
    gone,
    used,
    unused,
    /** Two that are left. */
    recoveryCodes: recoveryCodes.slice(1, 3) as string[],
    ask,
  }
}

/** A Mastodon app that the person has allowed, and one that is asking. */
async function useApp(app: App, userId: number, accountId: number) {
  const { apps, codes, tokens } = app.mastodon
  const name = 'An app'
  const redirectUris = ['https://app.example/back']
  const { id: appId } = await apps.register({ name, website: null, redirectUris, scopes: ['read'] })
  const client = { ip: PERSONAL.address, userAgent: PERSONAL.userAgent, app: name }
  const sessionId = await app.auth.sessions.openForApp(userId, client)
  const scopes = 'read'
  await tokens.store('a token', { appId, userId, sessionId, scopes })
  const [redirectUri = ''] = redirectUris
  const grant = { appId, userId, redirectUri, scopes, challenge: null, binding: null }
  await codes.issue(grant, true)
  const marker = { userId, timeline: 'home', lastReadId: '1' }
  await app.db.insert(app.tables.mastodonMarkers).values(marker)
  await app.db.insert(app.tables.mastodonDismissals).values({ userId, accountId })
  const fields = [{ name: 'Home', value: PERSONAL.field }]
  await app.transaction((tx) => app.mastodon.profiles.change(tx, userId, { fields }))
}

/** A browser in which the person is signed in on the pages. */
async function useWeb(app: App, userId: number) {
  const client = { ip: PERSONAL.address, userAgent: PERSONAL.userAgent, app: 'Web' }
  const sessionId = await app.auth.sessions.openForApp(userId, client)
  const hash = Buffer.alloc(32, 'a cookie')
  await app.db.insert(app.tables.webSessions).values({ hash, userId, sessionId })
}
