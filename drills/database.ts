import { mkdirSync } from 'node:fs'
import { startMariadb } from '../local/mariadb.ts'

export type Database = ReturnType<typeof createDatabase>

/** A server on one port and folder, which may be killed and started again. */
export function createDatabase(folder: string, port: number, serverOptions: string[] = []) {
  mkdirSync(folder, { recursive: true })
  let server: Awaited<ReturnType<typeof startMariadb>> | undefined
  const signal = (name: NodeJS.Signals) => process.kill(server?.pid ?? 0, name)
  return {
    folder,
    start: async () => {
      server = await startMariadb({ folder, port, serverOptions })
      return server.url
    },
    stop: async () => server?.stop(),
    kill: () => server?.kill(),
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
  }
}
