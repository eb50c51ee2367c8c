import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'

/** Whose folder it is: containers may share a disk, and have process ids of their own. */
const PREFIX = `birdhouse-uploads-${hostname()}-`

/** Folders of this process, which may hold several apps. */
const own = new Set<string>()

/** Temporary files of uploads, in a folder of each app; those of processes that died are removed. */
export async function createUploads() {
  await removeAbandoned()
  const name = `${PREFIX}${process.pid}-${randomUUID()}`
  const folder = join(tmpdir(), name)
  own.add(name)

  /** Works on a path for a new file, which is gone when the work is over. */
  async function withPath<T>(work: (path: string) => Promise<T>) {
    // Anew each time: what tidies temporary folders up may have taken it.
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const path = join(folder, randomUUID())
    try {
      return await work(path)
    } finally {
      await rm(path, { force: true })
    }
  }

  async function close() {
    await rm(folder, { recursive: true, force: true })
    own.delete(name)
  }

  return { withPath, close }
}

async function removeAbandoned() {
  const names = await readdir(tmpdir()).catch(() => [])
  const abandoned = names.filter((name) => name.startsWith(PREFIX) && !isInUse(name))
  for (const name of abandoned) {
    // Another account's is not ours to remove; nor is one that another process is removing.
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {})
  }
}

function isInUse(name: string) {
  const pid = Number.parseInt(name.slice(PREFIX.length), 10)
  return pid === process.pid ? own.has(name) : isAlive(pid)
}

function isAlive(pid: number) {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
