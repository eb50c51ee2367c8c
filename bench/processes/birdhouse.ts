import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { build } from '../../app.ts'
import { answer } from './ask.ts'

// The service on the database of DATABASE_URL, as in production but without a log.

export type Question = {
  tokens?: number[]
  appTokens?: number[]
  hash?: string
  rss?: boolean
  cpu?: boolean
  rollUp?: boolean
  delay?: 'start' | 'stop'
  profile?: 'start' | { file: string }
}

/** Seconds; longer than any run. */
const LIFE = 6 * 3600

const app = await build({
  NODE_ENV: 'production',
  LOG_LEVEL: 'warn',
  JWT_SECRETS: randomBytes(32).toString('hex'),
  ...process.env,
  HOST: '127.0.0.1',
  PORT: '0',
})
const inspector = new Session()
const delay = monitorEventLoopDelay({ resolution: 1 })

/** Delay of the event loop in milliseconds. */
function delays(what: 'start' | 'stop') {
  if (what === 'stop') {
    delay.disable()
    return { p99: delay.percentile(99) / 1e6, max: delay.max / 1e6 }
  }
  delay.reset()
  delay.enable()
  return {}
}

async function profile(what: 'start' | { file: string }) {
  if (what === 'start') {
    inspector.connect()
    await inspector.post('Profiler.enable')
    await inspector.post('Profiler.start')
    return {}
  }
  const { profile } = await inspector.post('Profiler.stop')
  inspector.disconnect()
  writeFileSync(what.file, JSON.stringify(profile))
  return {}
}

/** The tokens of an app for Mastodon that these users have allowed. */
async function tokensOfApp(userIds: number[]) {
  const { apps, tokens } = app.mastodon
  const registration = { name: 'bench', website: null, redirectUris: [], scopes: ['read'] }
  const { id: appId } = await apps.register(registration)
  const client = { ip: '127.0.0.1', userAgent: 'bench', app: 'bench' }
  const all: string[] = []
  for (const userId of userIds) {
    const token = randomBytes(32).toString('base64url')
    const sessionId = await app.auth.sessions.openForApp(userId, client)
    await tokens.store(token, { appId, userId, sessionId, scopes: 'read' })
    all.push(token)
  }
  return all
}

answer<Question>(
  async ({ tokens, appTokens, hash, rss, cpu, rollUp, delay: late, profile: what }) => {
    if (tokens) return { tokens: tokens.map((id) => app.accessTokens.issue(id, 1, LIFE)) }
    if (appTokens) return { tokens: await tokensOfApp(appTokens) }
    if (hash) return { hash: await app.password.hash(hash) }
    if (rss) return process.memoryUsage()
    if (cpu) return process.cpuUsage()
    if (rollUp) {
      await app.tweets.counts.rollUp()
      await app.users.counts.rollUp()
      return {}
    }
    if (late) return delays(late)
    if (what) return profile(what)
    const address = await app.listen({ host: '127.0.0.1', port: 0 })
    return { port: Number(new URL(address).port) }
  },
)
