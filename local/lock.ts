import { mkdirSync, rmSync } from 'node:fs'
import { createConnection, createServer, type Server } from 'node:net'
import { join, relative } from 'node:path'

/**
 * Lets one process at a time use a folder. The lock is a socket that the process listens on, so it
 * goes with the process, however that ends; a file that nobody answers on is left over.
 * @throws Error with a sentence when another instance is running.
 */
export async function lockFolder(folder: string) {
  mkdirSync(folder, { recursive: true })
  // Socket paths are limited to about 100 bytes; the one relative to here is mostly shorter.
  const path = relative(process.cwd(), join(folder, 'lock'))
  const server = (await listen(path)) ?? (await takeOver(path))
  if (!server) {
    throw new Error(
      `Another instance is using ${folder}. Stop it, or give this one a folder of its own: LOCAL_DIR=.local2`,
    )
  }
  return () => new Promise<void>((resolve) => server.close(() => resolve()))
}

async function takeOver(path: string) {
  if (await answers(path)) return undefined
  rmSync(path, { force: true })
  return listen(path)
}

function listen(path: string) {
  return new Promise<Server | undefined>((resolve, reject) => {
    const server = createServer((socket) => socket.end())
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen(path, () => resolve(server.unref()))
  })
}

function answers(path: string) {
  return new Promise<boolean>((resolve) => {
    const socket = createConnection(path)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.unref()
  })
}
