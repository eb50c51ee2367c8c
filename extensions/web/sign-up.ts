import type { FastifyPluginAsyncTypebox, FastifyReply } from 'birdhouse'
import { BODY_LIMITS, SignUp } from 'birdhouse/schemas'
import type { Static } from 'typebox'
import type { Page } from './pages/layout.ts'
import { type Entered, signUpPage, welcomePage } from './pages/sign-up.ts'

/** The page on which a person creates an account. It sets no cookie: signing in is for apps. */
export const signUp =
  (send: (reply: FastifyReply, page: Page) => FastifyReply): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { rules } = app.signUp
    const schema = { hide: true }

    // A field that was left empty is a field that was not sent.
    app.addContentTypeParser<Buffer>(
      'application/x-www-form-urlencoded',
      { parseAs: 'buffer' },
      (request, bytes, done) => {
        const text = app.decodeUtf8(bytes, request.headers['content-type'])
        const entries = [...new URLSearchParams(text)].filter(([, value]) => value !== '')
        done(null, Object.fromEntries(entries))
      },
    )

    const form = (reply: FastifyReply, entered?: Entered, problem?: string) =>
      send(reply, { title: 'Sign up', main: signUpPage(rules, entered, problem) })

    app.get('/join', { schema }, async (_request, reply) => form(reply))

    app.post(
      '/join',
      {
        bodyLimit: BODY_LIMITS.credentials,
        config: { limit: 'sign-up' },
        schema: { ...schema, body: SignUp },
        attachValidation: true,
      },
      async (request, reply) => {
        const body = request.body as Static<typeof SignUp>
        try {
          if (request.validationError) throw request.validationError
          const { id, isWaiting } = await app.auth.register(body, request.clientAddress)
          const handle = isWaiting ? null : (await app.users.get(id)).handle
          const { host } = new URL(app.config.publicUrl ?? `${request.protocol}://${request.host}`)
          const main = welcomePage(app.config.site, handle, host)
          return send(reply.code(201), { title: 'Welcome', main })
        } catch (error) {
          const { status, detail } = app.errors.report(error as never, request, reply)
          return form(reply.code(status), body, (detail ?? '').replaceAll('/body/', ''))
        }
      },
    )
  }
