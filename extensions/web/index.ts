import createError from '@fastify/error'
import type { FastifyInstance, FastifyPluginAsyncTypebox, FastifyRequest } from 'birdhouse'
import { errorPage } from './pages/lists.ts'
import { inWords, isWrongAddress } from './problems.ts'
import { acts } from './routes/acts.ts'
import { compose } from './routes/compose.ts'
import { files } from './routes/files.ts'
import { home } from './routes/home.ts'
import { password } from './routes/password.ts'
import { reading } from './routes/reading.ts'
import { reports } from './routes/reports.ts'
import { settings } from './routes/settings/index.ts'
import { signIn } from './routes/sign-in.ts'
import { signUp } from './routes/sign-up.ts'

export const kernel = '^0.3.0'
export const prefixOverride = ''

const SIGN_IN_FIRST = 'SIGN_IN_FIRST'
const SignInFirst = createError(SIGN_IN_FIRST, 'Sign in first.', 401)

const web: FastifyPluginAsyncTypebox = async (app) => {
  const { forms, identify, send, signInPath } = app.web

  await app.register(files)
  acceptForms(app)
  app.addHook('onRequest', async (request, reply) => {
    if (request.method === 'POST') forms.assertSameSite(request)
    await identify(request, reply)
  })
  app.takeUnknownPages(app)
  app.setErrorHandler(async (error: Error & { code?: string }, request, reply) => {
    // No hook of this scope has run for an unknown path; its page does without the person where that fails.
    if (request.is404) await identify(request, reply).catch(() => {})
    if (error.code === SIGN_IN_FIRST) {
      const isPage = request.method === 'GET'
      return reply.redirect(signInPath(isPage ? request.url : '/'), 303)
    }
    const problem = app.errors.report(error as never, request, reply)
    const status = isWrongAddress(problem) ? 404 : problem.status
    const title = status === 404 ? 'Not found' : 'That did not work'
    return send(reply.code(status), { title, main: errorPage(title, inWords(problem)) })
  })

  for (const routes of [signUp, signIn, password, reading]) await app.register(routes)
  await app.register(signedIn)
}

const signedIn: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', async ({ viewerId }: FastifyRequest) => {
    if (viewerId === undefined) throw new SignInFirst()
  })
  for (const routes of [acts, compose, home, reports, settings]) await app.register(routes)
}

/** A field that was left empty is a field that was not sent. */
function acceptForms(app: FastifyInstance) {
  app.addContentTypeParser<Buffer>(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer' },
    (request, bytes, done) => {
      const text = app.decodeUtf8(bytes, request.headers['content-type'])
      const entries = [...new URLSearchParams(text)].filter(([, value]) => value !== '')
      done(null, Object.fromEntries(entries))
    },
  )
}

export default web
