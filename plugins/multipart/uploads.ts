import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyBaseLogger } from 'fastify'
import { noRoom } from './room.ts'

/** Whose folder it is: containers may share a disk, and have process ids of their own. */
const PREFIX = `birdhouse-uploads-${hostname()}-`

/** Folders of this process, which may hold several apps. */
const own = new Set<string>()

/** Temporary files of uploads, in a folder of each app; those of processes that died are removed. */
export async function createUploads(log: FastifyBaseLogger) {
  await removeAbandoned()
  const name = `${PREFIX}${process.pid}-${randomUUID()}`
  const folder = join(tmpdir(), name)
  own.add(name)

  /**
   * Works on a path for a new file, which is gone when the work is over. @throws NO_ROOM when the
   * folder cannot be made or the work fails on that path
   */
  async function withPath<T>(work: (path: string) => Promise<T>) {
    // Anew each time: what tidies temporary folders up may have taken it.
    await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error) => {
      throw noRoom(error)
    })
    const path = join(folder, randomUUID())
    try {
      return await work(path)
    } catch (error) {
      // Node's errors about files name the path, also after they have come from another process.
      throw String(error).includes(path) ? noRoom(error) : error
    } finally {
      await remove(path)
    }
  }

  /** Writes to a new file and removes it. @throws NO_ROOM */
  const check = () =>
    withPath((path) =>
      writeFile(path, 'x', { mode: 0o600 }).catch((error) => {
        throw noRoom(error)
      }),
    )

  async function close() {
    await remove(folder)
    own.delete(name)
  }

  /** A failure is no reason to fail what was done with the file. */
  const remove = (path: string) =>
    rm(path, { recursive: true, force: true }).catch((err) =>
      log.warn({ err }, `${path} cannot be removed`),
    )

  return { withPath, check, close }
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
