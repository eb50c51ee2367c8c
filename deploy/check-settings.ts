import '../local/node-version.ts'
import { readEnv } from '../plugins/config/index.ts'
import { judgeSettings } from '../plugins/features/optional.ts'
import { requireCredentials } from '../plugins/s3/client.ts'

// Runs before PM2 does, which would start a service with wrong settings again and again, and
// leave the reason in a log file.

try {
  const config = await judgeSettings({ ...readEnv(), NODE_ENV: 'production' })
  await requireCredentials(config.s3)
  // A look for credentials that hangs keeps nothing waiting.
  process.exit()
} catch (error) {
  console.error((error as Error).message)
  process.exit(1)
}
