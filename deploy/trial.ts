import '../local/node-version.ts'
import { build } from '../app.ts'
import { adviseDatabase, adviseStart } from '../local/advice.ts'
import { readEnv } from '../plugins/config/index.ts'
import { judgeSettings } from '../plugins/features/optional.ts'

// The process that prove.ts starts: the service of a new version, which takes no jobs.

// prove.ts has ended, perhaps by a signal.
process.once('disconnect', () => process.exit(1))

try {
  const env = readEnv()
  await judgeSettings(env)
  const app = await build(env, () => {}, 'trial').catch((error) => {
    throw adviseDatabase(error)
  })
  process.once('SIGTERM', () => app.close().finally(() => process.exit()))
  await app.listen({ host: app.config.host, port: app.config.port })
} catch (error) {
  console.error(`\n${adviseStart(error as Error)}`)
  process.exit(1)
}
