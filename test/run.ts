import '../local/node-version.ts'
import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import getPort from 'get-port'
import { startS3 } from '../local/s3.ts'
import { isMysql, startDatabase } from './database.ts'
import { inLanes } from './lanes.ts'
import { sweepAfterwards } from './sweep.ts'
import { copyStatements, migrateAll } from './template.ts'

// Starts one database and one S3 for all test files, runs tap with the given arguments, stops both.
// The database is MariaDB, or MySQL with TEST_DATABASE=mysql. Each test file makes a database, a copy of one that
// is migrated here, and a bucket of its own on them. The working directory is this project's, or that of an
// extension's package. However this process ends, no process that it or a test has started stays.

const ROOT = join(import.meta.dirname, '..')
const DRIZZLE_RESOLUTION = pathToFileURL(join(import.meta.dirname, 'drizzle-resolution.ts'))
/** Bytes that the database files need with room to spare; Docker gives containers less memory. */
const MEMORY_NEEDED = 2 * 1024 ** 3
/** Milliseconds in which tap, told to stop, may say what has failed. */
const PATIENCE = 3_000
const folder = mkdtempSync(join(fastestFolder(), 'birdhouse-test-'))
/** For the temporary folders of the tests, on the disk: together they are large. */
const temporary = join(tmpdir(), `${basename(folder)}-tmp`)
sweepAfterwards(folder, temporary)

/** In memory a table is created and dropped in a fifth of the time that it takes on a disk. */
function fastestFolder() {
  const memory = '/dev/shm'
  if (!existsSync(memory)) return tmpdir()
  const { bavail, bsize } = statfsSync(memory)
  return bavail * bsize > MEMORY_NEEDED ? memory : tmpdir()
}

function tap(args: string[], cwd: string, env: NodeJS.ProcessEnv = {}) {
  const child = spawn(join(ROOT, 'node_modules/.bin/tap'), args, {
    cwd,
    stdio: 'inherit',
    env: {
      ...process.env,
      // In an extension's package npm puts no programs of Birdhouse on PATH; tap takes Node from PATH.
      PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
      TAP_RCFILE: join(ROOT, '.taprc'),
      TMPDIR: temporary,
      // Every process of the tests loads the whole app.
      NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/node'),
      ...env,
    },
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      child.kill(signal)
      setTimeout(() => process.exit(1), PATIENCE).unref()
    })
  }
  return new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)))
}

/** Without its own TypeScript loader tap leaves types to Node; it is rebuilt so once an install. */
async function buildTap() {
  const marker = join(ROOT, 'node_modules/.cache/birdhouse-tap')
  const wanted = readFileSync(join(ROOT, '.taprc'), 'utf8')
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return
  if ((await tap(['build'], ROOT)) !== 0) throw new Error('tap build failed')
  mkdirSync(dirname(marker), { recursive: true })
  writeFileSync(marker, wanted)
}

/** Another store, with the credentials of AWS_*, see test/s3/README.md; its buckets are private. */
function givenS3() {
  const { TEST_S3_ENDPOINT, AWS_REGION = 'us-east-1' } = process.env
  if (!TEST_S3_ENDPOINT) return undefined
  const settings = {
    S3_ENDPOINT: TEST_S3_ENDPOINT,
    S3_REGION: AWS_REGION,
    S3_BUCKET: 'birdhouse',
    S3_FORCE_PATH_STYLE: 'true',
    S3_PRESIGN: 'true',
  }
  return { settings, stop: async () => {} }
}

/** These test how the project runs a MariaDB of its own, whatever database the other tests are on. */
const ABOUT_MARIADB = ['ports', 'mariadb-accounts', 'folders', 'index', 'join']
const isWanted = (file: string) =>
  !isMysql || !ABOUT_MARIADB.some((name) => file.endsWith(`test/local/${name}.test.ts`))

// Any free port: two runs that both prefer one and start at the same moment would collide.
const port = () => getPort({ host: '127.0.0.1' })
const database = await startDatabase({
  folder: join(folder, 'database'),
  progress: console.log,
  volatile: true,
  everyDatabase: true,
  port: await port(),
})
const s3 = givenS3() ?? (await startS3({ bucket: 'birdhouse', port: await port() }))
try {
  await buildTap()
  const template = join(folder, 'template.sql')
  await migrateAll(database.url)
  writeFileSync(template, await copyStatements(database.url))
  process.exitCode = await tap(inLanes(process.argv.slice(2), folder, isWanted), process.cwd(), {
    TEST_SETTINGS: JSON.stringify({ DATABASE_URL: database.url, ...s3.settings }),
    TEST_TEMPLATE: template,
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${DRIZZLE_RESOLUTION}`,
  })
} finally {
  await s3.stop()
  await database.stop()
}
