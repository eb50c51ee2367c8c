import { createHmac } from 'node:crypto'
import type { FastifyInstance, SecurityEvents } from 'fastify'
import fp from 'fastify-plugin'
import type { Tx } from './db/client.ts'
import { afterCommit } from './db/transaction.ts'

declare module 'fastify' {
  interface FastifyInstance {
    securityLog: ReturnType<typeof createSecurityLog>
  }
  /** Names of the OWASP Logging Vocabulary; a feature adds others by declaration merging. */
  interface SecurityEvents {
    authn_login_success: true
    authn_login_fail: true
    authn_password_change: true
    authn_token_reuse: true
    authz_fail: true
    session_terminated: true
    user_created: true
    user_updated: true
    user_deleted: true
    excess_rate_limit_exceeded: true
  }
}

type SecurityEvent = keyof SecurityEvents & string
type Details = { userId?: number; email?: string; address?: string; [field: string]: unknown }

/** Logged as warnings: frequent ones are worth a look. */
const WARNINGS = /_fail|_lock|_reuse|^excess_|^malicious_/
/** Characters of an HMAC; enough to tell addresses apart. */
const DIGEST = 16

function createSecurityLog({ log, config }: FastifyInstance) {
  const [secret = ''] = config.jwtSecrets
  const digest = (email: string) =>
    createHmac('sha256', secret)
      .update(`security-log:${email.toLowerCase()}`)
      .digest('hex')
      .slice(0, DIGEST)

  /**
   * Logs a security event, with `tx` once that transaction has committed. An e-mail address is logged as its
   * HMAC. Never pass a password, a token or a code.
   */
  return function securityLog(event: SecurityEvent, { email, ...details }: Details = {}, tx?: Tx) {
    const fields = { security: event, ...details, ...(email && { emailDigest: digest(email) }) }
    const level = WARNINGS.test(event) ? 'warn' : 'info'
    const write = () => log[level](fields, 'security event')
    if (tx) afterCommit(tx, write)
    else write()
  }
}

export default fp(
  async (app) => {
    app.decorate('securityLog', createSecurityLog(app))
    app.addHook('onError', (request, _reply, error, done) => {
      const { statusCode = 500 } = error
      const details = { reqId: request.id, address: request.clientAddress, code: error.code }
      const viewer = request.viewerId === undefined ? {} : { userId: request.viewerId }
      if (statusCode === 429)
        app.securityLog('excess_rate_limit_exceeded', { ...details, ...viewer })
      else if (statusCode === 403) app.securityLog('authz_fail', { ...details, ...viewer })
      done()
    })
  },
  { name: 'security-log', dependencies: ['config', 'client-address', 'authenticate'] },
)
