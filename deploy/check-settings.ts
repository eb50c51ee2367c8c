import { parseConfig, readEnv } from '../plugins/config.ts'

// Runs before PM2 does, which would start a service with wrong settings again and again, and
// leave the reason in a log file.

try {
  parseConfig({ ...readEnv(), NODE_ENV: 'production' })
} catch (error) {
  console.error((error as Error).message)
  process.exit(1)
}
