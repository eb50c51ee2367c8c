import '../local/node-version.ts'
import { resolve } from 'node:path'
import { readEnv } from '../plugins/config/index.ts'
import { judgeSettings } from '../plugins/features/optional.ts'
import { requireCredentials } from '../plugins/s3/client.ts'

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
  const config = await judgeSettings({ ...readEnv(), NODE_ENV: 'production' })
  await requireCredentials(config.s3)
  // A look for credentials that hangs keeps nothing waiting.
  process.exit()
} catch (error) {
  console.error((error as Error).message)
  process.exit(1)
}
