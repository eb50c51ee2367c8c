import { resolve } from 'node:path'
import { type Env, listOf, parseConfig, readEnv } from '../plugins/config.ts'
import { discover } from '../plugins/features/discover.ts'

// Runs before PM2 does, which would start a service with wrong settings again and again, and
// leave the reason in a log file.

/** Bytes of a socket's path: macOS takes 103, Linux 107 (unix(7)). */
const SOCKET_PATH_MAX = 103

/** PM2 has its sockets in the project, see package.json; in a folder too deep its daemon hangs. */
function checkFolder() {
  const excess = Buffer.byteLength(resolve('.pm2/rpc.sock')) - SOCKET_PATH_MAX
  if (excess <= 0) return
  throw new Error(
    `The path of this folder is ${excess} bytes too long for the sockets of PM2; move it to a shorter path.`,
  )
}

try {
  checkFolder()
  const env: Env = { ...readEnv(), NODE_ENV: 'production' }
  const optional = new Map(listOf(env.EXTENSIONS_OPTIONAL ?? '').map((name) => [name, '']))
  parseConfig(env, await discover(listOf(env.EXTENSIONS ?? ''), optional))
} catch (error) {
  console.error((error as Error).message)
  process.exit(1)
}
