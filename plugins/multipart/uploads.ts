import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyBaseLogger } from 'fastify'
import { noRoom } from './room.ts'

/** Includes the host name, because containers may share a disk but not their process ids. */
const PREFIX = `birdhouse-uploads-${hostname()}-`

const ownFolders = new Set<string>()

/** Keeps temporary files of uploads in one folder per app; deletes the folders of processes that died. */
export async function createUploads(log: FastifyBaseLogger) {
  await purgeAbandoned()
  const name = `${PREFIX}${process.pid}-${randomUUID()}`
  const folder = join(tmpdir(), name)
  ownFolders.add(name)

  /**
   * Calls `work` with the path of a new file, and deletes the file when `work` ends. @throws NO_ROOM when
   * the folder cannot be created or `work` fails because of that path
   */
  async function withPath<T>(work: (path: string) => Promise<T>) {
    // Each time, because a cleaner of temporary folders may have deleted the folder.
    await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error) => {
      throw noRoom(error)
    })
    const path = join(folder, randomUUID())
    try {
      return await work(path)
    } catch (error) {
      // Node's file errors name the path, also when they come from a worker process.
      throw String(error).includes(path) ? noRoom(error) : error
    } finally {
      await remove(path)
    }
  }

  /** Calls `work` with the paths of as many new files. @throws as `withPath` */
  const withPaths = <T>(
    count: number,
    work: (paths: string[]) => Promise<T>,
    paths: string[] = [],
  ): Promise<T> =>
    paths.length === count
      ? work(paths)
      : withPath((path) => withPaths(count, work, [...paths, path]))

  const check = () =>
    withPath((path) =>
      writeFile(path, 'x', { mode: 0o600 }).catch((error) => {
        throw noRoom(error)
      }),
    )

  async function close() {
    await remove(folder)
    ownFolders.delete(name)
  }

  /** Only logs a failure, because the work on the file has succeeded. */
  const remove = (path: string) =>
    rm(path, { recursive: true, force: true }).catch((err) =>
      log.warn({ err }, `${path} cannot be deleted`),
    )

  return { withPath, withPaths, check, close }
}

async function purgeAbandoned() {
  const names = await readdir(tmpdir()).catch(() => [])
  const abandoned = names.filter((name) => name.startsWith(PREFIX) && !isInUse(name))
  for (const name of abandoned) {
    // Fails for a folder of another account, or one that another process is deleting.
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {})
  }
}

function isInUse(name: string) {
  const pid = Number.parseInt(name.slice(PREFIX.length), 10)
  return pid === process.pid ? ownFolders.has(name) : isAlive(pid)
}

function isAlive(pid: number) {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
