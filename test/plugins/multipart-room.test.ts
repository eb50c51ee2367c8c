import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { settings } from '../helper.ts'
import { formOf, plain } from '../multipart.ts'
import { spawnServer, temporaryFolder } from '../server/spawn.ts'

const jpeg: Buffer = await plain()
const env = await settings(t)

/** A server that keeps uploads in this folder, and somebody who sends it pictures. */
async function startServer(t: Test, TMPDIR: string) {
  const server = await spawnServer(t, { ...env, TMPDIR, LOG_LEVEL: 'warn' })
  await server.ready()
  const send = async (
    line: string,
    body?: string | FormData,
    more: Record<string, string> = {},
  ) => {
    const [method = '', path = ''] = line.split(' ')
    const headers = { authorization: `Bearer ${token}`, ...more }
    const response = await fetch(server.url + path, { method, headers, ...(body && { body }) })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text && JSON.parse(text) }
  }
  let token = ''
  const email = `${randomUUID()}@example.com`
  const person = { name: 'Ada', email, password: 'correct horse battery' }
  const type = { 'content-type': 'application/json' }
  const signedUp = await send('POST /v1/auth/sign-up', JSON.stringify(person), type)
  token = signedUp.body.accessToken
  const upload = (bytes = jpeg) => send('POST /v1/media', formOf(bytes))
  return {
    upload,
    uploadsCheck: async () => (await send('GET /readyz')).body.checks.uploads,
    output: server.output,
    /** It says so to the client, to the operator, and keeps nothing. */
    async refuses(bytes = jpeg) {
      const { status, headers, body } = await upload(bytes)
      t.match([status, body.code], [503, 'NO_ROOM'])
      t.match(headers.get('content-type'), /^application\/problem\+json/)
      t.ok(headers.get('retry-after'))
    },
  }
}

/** Names of all files below the folder. */
const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)

t.test('an unusable temporary folder is a warning at boot and 503 for uploads', async (t) => {
  const file = join(temporaryFolder(t), 'file')
  writeFileSync(file, '')
  const server = await startServer(t, join(file, 'folder'))
  t.match(server.output(), new RegExp(`"level":40,.*ENOTDIR.*${file}/folder.*TMPDIR`))
  t.equal(await server.uploadsCheck(), 'failed')
  await server.refuses()
})

t.test('a missing or deleted temporary folder is created again', async (t) => {
  const folder = join(temporaryFolder(t), 'not/there/yet')
  const server = await startServer(t, folder)
  t.equal((await server.upload()).status, 201)
  rmSync(folder, { recursive: true })
  t.equal((await server.upload()).status, 201)
  t.strictSame(filesIn(folder), [])
  t.notMatch(server.output(), /TMPDIR/)
})

/** Why nothing can be mounted here, if so. */
function mountRefused() {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp'], { stdio: 'pipe' })
    return false
  } catch {
    return 'mounting is not permitted here'
  }
}

t.test(
  'uploads recover when a full temporary folder is cleared',
  { skip: mountRefused() },
  async (t) => {
    const folder = join(temporaryFolder(t), 'mounted')
    mkdirSync(folder)
    const mount = (options: string) =>
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder])
    mount('size=1m,nr_inodes=10')
    t.teardown(() => execFileSync('umount', ['-l', folder]))
    const server = await startServer(t, folder)
    const works = async () => {
      t.equal((await server.upload()).status, 201)
      t.equal(await server.uploadsCheck(), 'ok')
      t.strictSame(filesIn(folder), [])
    }
    await works()

    await server.refuses(Buffer.alloc(7_000_000))
    await works()

    const names = Array.from({ length: 20 }, (_, n) => join(folder, String(n)))
    t.throws(
      () => names.map((name) => writeFileSync(name, '')),
      { code: 'ENOSPC' },
      'no inode is left',
    )
    await server.refuses()
    t.equal(await server.uploadsCheck(), 'failed')
    for (const name of names) rmSync(name, { force: true })
    await works()

    mount('remount,ro')
    await server.refuses()
    t.equal(await server.uploadsCheck(), 'failed')
    mount('remount,rw')
    await works()
    t.notMatch(server.output(), /TMPDIR/, 'at boot there was nothing to say')
  },
)
