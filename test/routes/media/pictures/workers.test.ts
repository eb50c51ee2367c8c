import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { constants, getPriority } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { close, toSquares, toVariants } from '../../../../routes/media/pictures/index.ts'
import { fileWriter, refusal } from '../../../pictures/files.ts'
import { photo, plain } from '../../../pictures/make.ts'
import { workersOf } from '../../../pictures/workers.ts'

process.env.JWT_SECRETS = 'a secret of the service'
const save = fileWriter(t)
const small = save(await plain(9, 9, 'red').png().toBuffer())
const large = save(await (await photo(4000, 3000)).png({ compressionLevel: 1 }).toBuffer())

/** Waits until so many workers are there, not counting one that is going. */
async function atWork(count: number, without?: number) {
  for (let n = 0; n < 500; n++) {
    const pids = workersOf().filter((pid) => pid !== without)
    if (pids.length === count) return pids
    await sleep(5)
  }
  throw new Error(`not ${count} workers but ${workersOf()}`)
}

t.test('two pictures are processed, some wait, more are rejected', async (t) => {
  let most = 0
  const works = Array.from({ length: 80 }, (_, n) =>
    refusal(toSquares(n < 4 ? large : small, [48])),
  )
  const count = setInterval(() => {
    most = Math.max(most, workersOf().length)
  }, 20)
  const answers = await Promise.all(works)
  clearInterval(count)
  t.equal(most, 2)
  const busy = answers.filter(({ code }) => code === 'TOO_BUSY')
  t.equal(busy.length, 14, '2 and 64 are taken')
  const first = Math.min(...answers.filter(({ code }) => code === 'DONE').map(({ ms }) => ms))
  for (const { statusCode, ms } of busy) {
    t.equal(statusCode, 503)
    t.ok(ms < first, 'the answer does not wait for a picture')
  }
  t.ok(
    answers.slice(0, 66).every(({ code }) => code === 'DONE'),
    'all that were taken are made',
  )
  t.equal((await refusal(toSquares(small, [48]))).code, 'DONE', 'there is room again')
})

t.test('accounts take turns, so that one picture does not wait for many of another', async (t) => {
  const done: string[] = []
  const make = async (name: string, file: string, ownerId: number) => {
    await toSquares(file, [48], { ownerId })
    done.push(name)
  }
  const many = Array.from({ length: 10 }, () => make('large', large, 1))
  await Promise.all([...many, make('small', small, 2), make('small', small, 2)])
  t.ok(done.lastIndexOf('small') <= 4, done.join())
})

t.test('a worker has low priority and no secrets', async (t) => {
  await toSquares(small, [48])
  for (const pid of workersOf()) {
    t.equal(getPriority(pid), constants.priority.PRIORITY_BELOW_NORMAL)
    t.ok(pid !== process.pid)
    if (!existsSync('/proc/self/environ')) continue
    t.notMatch(readFileSync(`/proc/${pid}/environ`, 'utf8'), /secret|DATABASE_URL/)
    t.equal(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim(), '1000')
  }
  await close()
  t.strictSame(workersOf(), [], 'no worker is left after close')
  t.equal((await refusal(toSquares(small, [48]))).code, 'DONE', 'the next picture starts a worker')
})

t.test('workers ignore signals to the process group', async (t) => {
  await toSquares(small, [48])
  const pids = workersOf()
  const work = refusal(toVariants(large))
  await sleep(100)
  for (const pid of pids) {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.kill(pid, signal)
  }
  t.equal((await work).code, 'DONE')
  t.strictSame(workersOf(), pids)
})

t.test('a picture whose worker is killed is retried once', async (t) => {
  await close()
  const work = refusal(toVariants(large))
  const [first = 0] = await atWork(1)
  const other = refusal(toVariants(large))
  process.kill(first, 'SIGKILL')
  t.equal((await work).code, 'DONE')
  t.equal((await other).code, 'DONE')
  t.notOk(workersOf().includes(first), 'another worker takes its place')
})

t.test('a picture that kills its worker twice is rejected', async (t) => {
  await close()
  const work = refusal(toVariants(large))
  const [first = 0] = await atWork(1)
  process.kill(first, 'SIGKILL')
  const [second = 0] = await atWork(1, first)
  process.kill(second, 'SIGKILL')
  t.match(await work, { code: 'BROKEN_IMAGE', statusCode: 422, message: /crashes the decoder/ })
  t.equal((await refusal(toVariants(large))).code, 'DONE')
})

t.test('an idle worker that dies is replaced', async (t) => {
  await toSquares(small, [48])
  for (const pid of workersOf()) process.kill(pid, 'SIGKILL')
  t.equal((await refusal(toSquares(small, [48]))).code, 'DONE')
})

t.test('cancelled work is not begun and not delivered', async (t) => {
  const reason = new Error('gone')
  await t.rejects(
    toSquares('/nowhere/to/be/found', [48], { cancelled: AbortSignal.abort(reason) }),
    reason,
  )
  await close()
  const leaving = new AbortController()
  const work = toVariants(large, { cancelled: leaving.signal })
  await atWork(1)
  leaving.abort(reason)
  await t.rejects(work, reason)
})

t.test('a missing file is not blamed on the picture', async (t) => {
  const { code, statusCode } = await refusal(toSquares('/nowhere/to/be/found', [48]))
  t.strictSame([code, statusCode], ['ENOENT', undefined])
})

t.test('a process without file descriptors reports that no worker can start', async (t) => {
  const pictures = join(import.meta.dirname, '../../../../routes/media/pictures/index.ts')
  const program = `
    import { closeSync, openSync } from 'node:fs'
    const { toSquares } = await import(${JSON.stringify(pathToFileURL(pictures).href)})
    const opened = []
    try {
      for (;;) opened.push(openSync('/dev/null'))
    } catch {}
    const make = () => toSquares(${JSON.stringify(small)}, [48]).then(
      () => 'made',
      ({ statusCode, code, cause }) => [statusCode, code, cause?.code].join(),
    )
    console.log(await make())
    opened.forEach(closeSync)
    console.log(await make())
    process.exit()`
  const limited = ['-c', 'ulimit -n 64; exec "$0" --input-type=module -e "$1"']
  const { stdout, stderr } = spawnSync('sh', [...limited, process.execPath, program], { env: {} })
  t.equal(String(stdout), '503,TOO_BUSY,EMFILE\nmade\n', String(stderr))
})
