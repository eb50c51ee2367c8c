import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import getPort from 'get-port'
import { type Test, test } from 'tap'
import { formOf, plain } from '../multipart.ts'
import { runningIn, temporaryFolder } from '../server/spawn.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Everything that a shell, a URL, a glob or a format string might take for something else. */
const NAME = `a b 한글 [x] {y} #%20 %s 'q' "d" \`e\` $HOME $(f);(g) <h> & | ~ ! * ?`
/** Node imports nothing below a backslash, PATH ends a folder at a colon; the stores take both. */
const LOCAL_DIR = `stores ${NAME} \\ \\n : \n.`
const ABSENT = new Set(['node_modules', 'docs', 'bench', 'test'])

type Account = { uid?: number; gid?: number }

/** A copy of the project in a folder of that name; it shares our packages. */
function projectFolder(t: Test, { uid, gid }: Account) {
  const home = temporaryFolder(t)
  const project = join(home, NAME)
  mkdirSync(project)
  for (const name of readdirSync(ROOT)) {
    if (name.startsWith('.') || ABSENT.has(name)) continue
    cpSync(join(ROOT, name), join(project, name), { recursive: true })
  }
  symlinkSync(join(ROOT, 'node_modules'), join(project, 'node_modules'))
  if (uid !== undefined && gid !== undefined) {
    for (const path of [home, project]) chownSync(path, uid, gid)
  }
  return { home, project }
}

/** `npm start` in the project, from nothing to where it says its address. */
async function npmStart(t: Test, account: Account) {
  const { home, project } = projectFolder(t, account)
  const port = String(await getPort({ host: '127.0.0.1' }))
  const settings = { PORT: port, LOCAL_DIR, DEMO_DATA: 'false', LOG_LEVEL: 'silent' }
  const child = spawn('npm', ['start'], {
    ...account,
    cwd: project,
    detached: true,
    env: { PATH: process.env.PATH, HOME: home, TMPDIR: home, ...settings },
  })
  const exited = once(child, 'close')
  let output = ''
  const ready = new Promise<void>((resolve, reject) => {
    const take = (text: Buffer) => {
      output += text
      if (output.includes('Birdhouse is at')) resolve()
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    exited.then(() => reject(new Error(output)))
  })
  const interrupt = () => process.kill(-(child.pid ?? 0), 'SIGINT')
  t.teardown(() => child.exitCode ?? child.signalCode ?? interrupt())
  await ready
  return { url: `http://127.0.0.1:${port}`, home, interrupt, exited }
}

async function startsAndWorks(t: Test, account: Account = {}) {
  const { url, home, interrupt, exited } = await npmStart(t, account)
  const person = { name: 'Ada', email: 'ada@example.com', password: 'correct horse battery' }
  const signedUp = await fetch(`${url}/v1/auth/sign-up`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(person),
  })
  t.equal(signedUp.status, 201, 'MariaDB takes a row')
  const { accessToken } = (await signedUp.json()) as { accessToken: string }
  const uploaded = await fetch(`${url}/v1/users/me/avatar`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${accessToken}` },
    body: formOf(await plain()),
  })
  t.equal(uploaded.status, 200, 'S3 takes a picture')
  const { avatar } = (await uploaded.json()) as { avatar: Record<string, string> }
  for (const address of Object.values(avatar))
    t.equal((await fetch(address)).status, 200, 'S3 returns the picture')
  interrupt()
  await exited
  t.same(runningIn(home), [], 'nothing is left running')
}

/** The user nobody, or why a process cannot run as that user here. */
function findNobody(): Required<Account> | string {
  if (process.getuid?.() !== 0) return 'only root can become nobody'
  const id = (option: string) =>
    Number(execFileSync('id', [option, 'nobody'], { encoding: 'utf8' }))
  const nobody = { uid: id('-u'), gid: id('-g') }
  const { status } = spawnSync(process.execPath, ['--version'], { ...nobody, cwd: ROOT })
  return status === 0 ? nobody : `nobody cannot read ${ROOT}`
}

const nobody = findNobody()

test('npm start works in a folder with special characters in its name', (t) => startsAndWorks(t))

test('npm start works there as the user nobody', {
  skip: typeof nobody === 'string' && nobody,
}, async (t) => {
  if (typeof nobody === 'object') await startsAndWorks(t, nobody)
})
