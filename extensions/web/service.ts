import type { FastifyInstance } from 'birdhouse'
import fp from 'fastify-plugin'
import { createCookies } from './cookies.ts'
import { createForms } from './forms.ts'
import { createOnce } from './once.ts'
import { ownPath } from './own-path.ts'
import { createSending } from './sending.ts'
import { createSessions } from './sessions.ts'
import type {} from './tables.ts'

declare module 'fastify' {
  interface FastifyInstance {
    web: ReturnType<typeof createWeb>
  }
  interface JobPayloads {
    'web.purge': object
  }
}

/** A sentence that names the app which asks a person to sign in, and the address of a person who cancels. */
export type Reason = { sentence: string; cancel: string }
type Explain = (query: URLSearchParams) => Promise<Reason | undefined>

/** Seconds. */
const PURGE_EVERY = 3600

function createWeb(app: FastifyInstance) {
  const cookies = createCookies(app)
  const sessions = createSessions(app, cookies)
  const forms = createForms(app, cookies, sessions.visitors)
  const explanations = new Map<string, Explain>()

  /** The address of the page of signing in, from which a person comes back to a path of this server. */
  const signInPath = (path: string, { again = false } = {}) =>
    `/sign-in?${new URLSearchParams({ return_to: path, ...(again && { again: 'true' }) })}`

  /** Explains on the pages of signing in and up why `path` asks for it. */
  const explainSignIn = (path: string, explain: Explain) => void explanations.set(path, explain)

  async function reasonFor(returnTo: string) {
    const [path = '', query] = ownPath(returnTo).split(/[?#]/)
    return explanations.get(path)?.(new URLSearchParams(query))
  }

  const { once, purge: purgeForms } = createOnce(app)

  async function purge() {
    await sessions.purge()
    await purgeForms()
  }

  return {
    ...sessions,
    purge,
    once,
    forms,
    send: createSending(app, sessions, forms),
    signInPath,
    explainSignIn,
    reasonFor,
  }
}

export default fp(
  async (app) => {
    app.decorate('web', createWeb(app))
    app.jobs.every('web.purge', PURGE_EVERY, app.web.purge)
  },
  {
    name: 'web.service',
    dependencies: [
      'account-mail.service',
      'auth.service',
      'exports.service',
      'moderation.service',
      'sign-up.service',
      'timeline.service',
    ],
    optional: ['bookmarks.service', 'hashtags.service', 'notifications.service'],
  },
)
