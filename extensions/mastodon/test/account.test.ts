import { signUp, tweet } from 'birdhouse/testing'
import { eq } from 'drizzle-orm'
import { createRestAPIClient } from 'masto'
import sharp from 'sharp'
import t from 'tap'
import { listening } from './client.ts'

// The own account and its pictures, over HTTP, with a private bucket.

const { app, url, tokenOf, call } = await listening(t, { S3_PRESIGN: 'true' })
const [ann, ben] = [await signUp(app, 'Ann'), await signUp(app, 'Ben')]
const token = await tokenOf(ann)
const client = createRestAPIClient({ url, accessToken: token })

t.test('the instance tells how many people and posts there are', async (t) => {
  await tweet(app, ann, 'One')
  await tweet(app, ben, 'Two')
  const gone = await signUp(app, 'Gone')
  await tweet(app, gone, 'Three')
  await app.moderation.actOn('suspend', { userId: gone.id, reason: 'Advertising' })
  await app.db
    .update(app.tables.sessions)
    .set({ lastUsedAt: new Date(Date.now() - 31 * 86_400_000) })
    .where(eq(app.tables.sessions.userId, ben.id))
  const { body } = await call('GET /api/v1/instance')
  t.match(body.stats, { user_count: 2, status_count: 2 })
  t.match((await call('GET /api/v2/instance')).body.usage, { users: { active_month: 1 } })
  t.strictSame((await call('GET /nodeinfo/2.0')).body.usage, {
    users: { total: 2, activeMonth: 1 },
    localPosts: 2,
  })
})

const picture = async (background: string, type = 'image/png') => {
  const create = { width: 60, height: 40, channels: 3, background } as const
  return new Blob([new Uint8Array(await sharp({ create }).png().toBuffer())], { type })
}

/** One request with a form of these fields. */
async function send(line: string, fields: Record<string, string | Blob>, encoding = 'multipart') {
  const [method = '', path] = line.split(' ')
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.append(name, value)
  // Any value is text here.
  const body =
    encoding === 'multipart' ? form : new URLSearchParams(fields as Record<string, string>)
  const headers = { authorization: `Bearer ${token}` }
  const answer = await fetch(`${url}${path}`, { method, headers, body })
  const read: any = await answer.json()
  return { status: answer.status, body: read }
}

const UPDATE = 'PATCH /api/v1/accounts/update_credentials'

t.test('name and note are changed by JSON, a form and multipart', async (t) => {
  const changed = await client.v1.accounts.updateCredentials({ displayName: 'Ann A', note: 'One' })
  t.match(changed, { displayName: 'Ann A', note: '<p>One</p>', source: { note: 'One' } })
  t.match(await send(UPDATE, { note: 'Two\r\nlines', bot: '0' }, 'form'), {
    status: 200,
    body: { display_name: 'Ann A', source: { note: 'Two\nlines' } },
  })
  t.match(await send(UPDATE, { display_name: 'Ann B', locked: 'False' }), {
    body: { display_name: 'Ann B', fields: [] },
  })
  t.match(await client.v1.accounts.verifyCredentials(), {
    displayName: 'Ann B',
    source: { privacy: 'public', note: 'Two\nlines', fields: [] },
  })
})

t.test('a profile has up to four fields, and says what else its owner has set', async (t) => {
  const site = 'https://ann.example/?a&b'
  const set = await client.v1.accounts.updateCredentials({
    fieldsAttributes: [
      { name: ' Site ', value: site },
      { name: '', value: '' },
      { name: 'Pets', value: '<none>' },
    ],
    bot: true,
    source: { language: 'KO' },
  })
  const link = `<a href="${site.replace('&', '&#38;')}"`
  t.match(set, {
    bot: true,
    fields: [
      { name: 'Site', verifiedAt: null },
      { name: 'Pets', value: '&#60;none&#62;' },
    ],
    source: { language: 'ko', fields: [{ value: site }, { value: '<none>' }] },
  })
  t.equal(set.fields?.[0]?.value.startsWith(link), true)
  const { id } = await client.v1.statuses.create({ status: 'A bot says' })
  const shown = (path: string) => call(`GET /api/v1/${path}`, token).then(({ body }) => body)
  for (const account of [
    (await shown(`statuses/${id}`)).account,
    (await shown(`accounts/${ann.id}/statuses?limit=1`))[0].account,
    await shown(`accounts/${ann.id}`),
    await shown(`accounts/lookup?acct=${ann.handle}`),
    (await shown(`accounts/search?q=${ann.handle}`))[0],
  ])
    t.match(account, { bot: true, fields: [{ name: 'Site' }, { name: 'Pets' }] })
  t.equal((await shown(`statuses/${id}`)).language, 'ko', 'of the profile')
  t.match(await shown('preferences'), { 'posting:default:language': 'ko' })

  const pair = (n: number) => ({ [`fields_attributes[${n}][name]`]: `n${n}` })
  t.match(await send(UPDATE, { ...pair(0), 'fields_attributes[0][value]': 'v' }, 'form'), {
    body: { bot: true, fields: [{ name: 'n0', value: 'v' }] },
  })
  const five = Object.assign({}, ...[0, 1, 2, 3, 4].map(pair))
  t.match(await send(UPDATE, { ...five, note: 'No' }), { status: 422 })
  const long = { fields_attributes: { 0: { name: 'x', value: 'v'.repeat(256) } } }
  t.match(await call(UPDATE, token, long), { status: 400, body: { error: /fields/ } })
  t.match(await call(UPDATE, token, { fields_attributes: [{ value: 'v' }] }), { status: 400 })
  const { accounts } = (await call('GET /api/v2/instance')).body.configuration
  t.match(accounts, { max_profile_fields: 4, profile_field_value_limit: 255 })
  t.match((await send(UPDATE, { ...pair(0), bot: '0', 'source[language]': '' })).body, {
    bot: false,
    note: '<p>Two<br />lines</p>',
    fields: [{ name: 'n0', value: '' }],
    source: { language: null },
  })
  t.match(await call(UPDATE, token, { fields_attributes: [] }), { body: { fields: [] } })
})

t.test('avatar and header are set together or not at all, and taken away', async (t) => {
  const plain = await client.v1.accounts.verifyCredentials()
  const both = { avatar: await picture('#936'), header: await picture('#369') }
  const set = await send(UPDATE, { ...both, display_name: 'Ann C' })
  t.match(set, { status: 200, body: { display_name: 'Ann C' } })
  t.not(set.body.avatar, plain.avatar)
  t.not(set.body.header, plain.header)
  const half = { ...both, header: new Blob(['no picture'], { type: 'image/png' }) }
  t.match(await send(UPDATE, { ...half, display_name: 'Ann D' }), {
    status: 422,
    body: { error: /^Only pictures/ },
  })
  t.equal((await send(UPDATE, { ...both, display_name: ' ' })).status, 400)
  t.match(await client.v1.accounts.verifyCredentials(), {
    displayName: 'Ann C',
    avatar: set.body.avatar,
    header: set.body.header,
  })
  t.match((await call('DELETE /api/v1/profile/avatar', token)).body, { avatar: plain.avatar })
  t.match((await call('DELETE /api/v1/profile/header', token)).body, { header: plain.header })
})

t.test('a setting that would show posts to more people than it says is refused', async (t) => {
  for (const fields of [
    { locked: '1' },
    { hide_collections: 'true' },
    { 'source[privacy]': 'private' },
  ]) {
    t.match(await send(UPDATE, fields), { status: 422, body: { error: String } })
  }
  const reader = await tokenOf(ann, 'read write:statuses')
  t.equal((await call(UPDATE, reader, { note: 'x' })).status, 403)
})

t.test('a post may be multipart, a form, or in the query', async (t) => {
  const media = await client.v2.media.create({ file: await picture('#333') })
  const posted = await send('POST /api/v1/statuses', {
    status: 'By multipart',
    'media_ids[]': media.id,
    sensitive: 'False',
  })
  t.match(posted, { status: 200, body: { media_attachments: [{ id: media.id }] } })
  t.match(await send('POST /api/v1/statuses?status=By+query', {}, 'form'), {
    body: { content: '<p>By query</p>' },
  })
  t.match(await send('POST /api/v1/statuses', { status: 'x', file: await picture('#333') }), {
    status: 400,
    body: { error: 'No file is taken in the field "file".' },
  })
  const poll = { status: 'Which?', 'poll[options][]': 'This', 'poll[expires_in]': '60' }
  for (const encoding of ['form', 'multipart'])
    t.equal((await send('POST /api/v1/statuses', poll, encoding)).status, 422, encoding)
})

t.test(
  'the address of a picture stays, and leads to a signed one while the picture is shown',
  async (t) => {
    const { avatar } = (await send(UPDATE, { avatar: await picture('#639') })).body
    const media = await client.v2.media.create({ file: await picture('#222') })
    const { id } = await client.v1.statuses.create({ status: 'Look', mediaIds: [media.id] })
    const [shown] = (await client.v1.statuses.$select(id).fetch()).mediaAttachments
    t.equal(shown?.url, media.url, 'before and after the post')
    const addresses = [avatar, shown?.url ?? '', shown?.previewUrl ?? '']
    for (const address of addresses) {
      t.ok(address.startsWith(`${url}/api/birdhouse/pictures/`), address)
      const answer = await fetch(address, { redirect: 'manual' })
      t.match(answer.headers.get('location'), /X-Amz-Signature/)
      t.equal(answer.headers.get('cache-control'), 'public, max-age=300')
      t.equal((await fetch(address)).headers.get('content-type'), 'image/webp')
    }
    const statuses = () => Promise.all(addresses.map(async (one) => (await fetch(one)).status))
    await app.moderation.actOn('suspend', { userId: ann.id, reason: 'Advertising' })
    t.strictSame(await statuses(), [404, 404, 404], 'of a suspended account')
    await app.moderation.actOn('restore', { userId: ann.id, reason: 'A mistake' })
    t.strictSame(await statuses(), [200, 200, 200])
    await app.tweets.remove(Number(id), ann.id)
    t.strictSame(await statuses(), [200, 404, 404], 'of a deleted tweet')
    await app.media.removePicture('avatar', ann.id)
    t.strictSame(await statuses(), [404, 404, 404])
    const none = 'a'.repeat(32)
    for (const key of [
      `media/${none}/640.webp`,
      `exports/${none}/1.zip`,
      `../media/${none}/640.webp`,
      '',
    ])
      t.equal((await fetch(`${url}/api/birdhouse/pictures/${key}`)).status, 404, key)
  },
)
