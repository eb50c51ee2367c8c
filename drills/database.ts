import { mkdirSync } from 'node:fs'
import { startMariadb } from '../local/mariadb.ts'

export type Database = ReturnType<typeof createDatabase>

export type ServerOptions = {
  serverOptions?: string[]
  /** The account may do everything. */
  everyDatabase?: boolean
}

/** A server on one port and folder, which may be killed and started again. */
export function createDatabase(
  folder: string,
  port: number,
  { serverOptions = [], everyDatabase = false }: ServerOptions,
) {
  mkdirSync(folder, { recursive: true })
  let server: Awaited<ReturnType<typeof startMariadb>> | undefined
  const signal = (name: NodeJS.Signals) => process.kill(server?.pid ?? 0, name)
  return {
    folder,
    start: async () => {
      server = await startMariadb({ folder, port, serverOptions, everyDatabase })
      return server.url
    },
    stop: async () => server?.stop(),
    kill: () => server?.kill(),
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
  }
}
