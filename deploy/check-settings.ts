import '../local/node-version.ts'
import { resolve } from 'node:path'
import { readEnv } from '../plugins/config/index.ts'
import { judgeSettings } from '../plugins/features/optional.ts'
import { requireCredentials } from '../plugins/s3/client.ts'

// Runs before PM2, which would restart a service with wrong settings again and again and write the
// reason only to a log file.

/** Bytes of a socket's path: at most 103 on macOS, 107 on Linux (unix(7)). */
const SOCKET_PATH_MAX = 103

/** PM2's sockets are in the project (PM2_HOME in package.json); if a path is too long, PM2 hangs. */
function checkFolder() {
  const excess = Buffer.byteLength(resolve('.pm2/rpc.sock')) - SOCKET_PATH_MAX
  if (excess <= 0) return
  throw new Error(
    `The path of this folder is ${excess} bytes too long for the sockets of PM2; move the folder to a shorter path.`,
  )
}

try {
  checkFolder()
  const config = await judgeSettings({ ...readEnv(), NODE_ENV: 'production' })
  await requireCredentials(config.s3)
  // Do not wait for a pending search for credentials.
  process.exit()
} catch (error) {
  console.error((error as Error).message)
  process.exit(1)
}
