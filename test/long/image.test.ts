import { execFile, execFileSync, spawn } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import getPort from 'get-port'
import { test } from 'tap'
import { settings } from '../helper.ts'
import { formOf, plain } from '../multipart.ts'
import { temporaryFolder } from '../server/spawn.ts'

// Follows the Dockerfile in an empty folder: the files that it copies, the packages that it installs, its
// command, as a user who can write nothing but a folder for uploads.

const ROOT = join(import.meta.dirname, '../..')
const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')

/** The sources of each COPY line of the last stage that copies from the project. */
const copied = [...dockerfile.matchAll(/^COPY (?!--)(.+) \S+$/gm)].flatMap(([, sources = '']) =>
  sources.split(' '),
)
const [command = '', ...args] = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]')
const [, uid = '', gid = ''] = /^USER (\d+):(\d+)$/m.exec(dockerfile) ?? []
/** Only root may run a program as another user. */
const asUser = process.getuid?.() === 0 ? { uid: Number(uid), gid: Number(gid) } : {}

test('the files of the Dockerfile serve in production without development packages', async (t) => {
  const image = temporaryFolder(t)
  const uploads = join(image, 'uploads')
  for (const source of copied)
    cpSync(join(ROOT, source), join(image, source), {
      recursive: true,
      filter: (path) => !path.endsWith('/test') && !path.endsWith('.test.ts'),
    })
  const install = ['ci', '--omit=dev', '--no-audit', '--no-fund', '--prefer-offline']
  await promisify(execFile)('npm', install, { cwd: image })
  mkdirSync(uploads)
  chmodSync(uploads, 0o777)
  // Other users may read the folder and write nothing in it.
  chmodSync(image, 0o755)

  const port = await getPort({ host: '127.0.0.1' })
  const url = `http://127.0.0.1:${port}`
  // Without the options of tap, which would write files into the project.
  const program = ['-u', 'NODE_OPTIONS', join(image, 'node_modules/.bin', command), ...args]
  const child = spawn('env', program, {
    ...asUser,
    cwd: image,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      AWS_ACCESS_KEY_ID: process.env.AWS_ACCESS_KEY_ID,
      AWS_SECRET_ACCESS_KEY: process.env.AWS_SECRET_ACCESS_KEY,
      ...(await settings(t)),
      NODE_ENV: 'production',
      HOME: image,
      HOST: '127.0.0.1',
      PORT: String(port),
      TMPDIR: uploads,
      LOG_LEVEL: 'silent',
    },
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text
  })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const isLive = () =>
    fetch(`${url}/livez`).then(
      ({ ok }) => ok,
      () => false,
    )
  while (!(await isLive())) {
    if (child.exitCode !== null) throw new Error(errors)
    await sleep(100)
  }

  const signUp = await fetch(`${url}/v1/auth/sign-up`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Ada', email: 'ada@example.com', password: 'xK4-tulip-row' }),
  })
  t.equal(signUp.status, 201)
  const { accessToken } = (await signUp.json()) as { accessToken: string }
  const picture = await fetch(`${url}/v1/users/me/avatar`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${accessToken}` },
    body: formOf(await plain()),
  })
  t.equal(picture.status, 200)
  const probe = /^ {2}CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]'
  const [, flag = '', script = ''] = JSON.parse(probe)
  const healthy = [flag, script.replace('http://127.0.0.1:3000', url)]
  execFileSync(process.execPath, healthy, { stdio: 'inherit' })

  child.kill('SIGTERM')
  t.equal(await exited, 0)
})
