import type { FastifyPluginAsyncTypebox, FastifyReply } from 'birdhouse'
import { BODY_LIMITS, SignUp } from 'birdhouse/schemas'
import { type Static, Type } from 'typebox'
import { LONGEST_PATH, ownPath } from '../own-path.ts'
import { type Entered, joinedPage, signUpPage } from '../pages/sign-up.ts'
import { inWords } from '../problems.ts'

const text = (maxLength: number) => Type.Optional(Type.String({ maxLength }))
const Query = Type.Object({ return_to: text(LONGEST_PATH) })
const Form = Type.Object(
  { ...SignUp.properties, token: text(100), return_to: text(LONGEST_PATH) },
  { additionalProperties: false },
)

/** The page on which a person creates an account, is signed in, and goes on to the app that asked for it. */
export const signUp: FastifyPluginAsyncTypebox = async (app) => {
  const { forms, reasonFor, send, welcome } = app.web
  const { rules } = app.signUp
  const { site, publicUrl } = app.config
  const schema = { hide: true }

  async function form(reply: FastifyReply, returnTo: string, entered?: Entered, problem?: string) {
    const way = { token: forms.field(reply), returnTo, reason: await reasonFor(returnTo) }
    return send(reply, { title: 'Sign up', main: signUpPage(rules, way, entered, problem) })
  }

  app.get('/join', { schema: { ...schema, querystring: Query } }, async ({ query }, reply) =>
    form(reply, ownPath(query.return_to)),
  )

  app.post(
    '/join',
    {
      bodyLimit: BODY_LIMITS.credentials + 4 * LONGEST_PATH,
      config: { limit: 'sign-up' },
      schema: { ...schema, body: Form },
      attachValidation: true,
    },
    async (request, reply) => {
      const { token, return_to, ...body } = (request.body ?? {}) as Static<typeof Form>
      const returnTo = ownPath(return_to)
      try {
        if (request.validationError) throw request.validationError
        forms.assertOwn(request, token)
        const { id, isWaiting } = await app.auth.register(body, request.clientAddress)
        if (!isWaiting) await welcome(id, request, reply)
        if (!isWaiting && returnTo !== '/') return reply.redirect(returnTo, 303)
        const handle = isWaiting ? null : (await app.users.get(id)).handle
        const { host } = new URL(publicUrl ?? `${request.protocol}://${request.host}`)
        const main = joinedPage(site, handle, host)
        return send(reply.code(201), { title: 'Welcome', main })
      } catch (error) {
        const problem = app.errors.report(error as never, request, reply)
        return form(reply.code(problem.status), returnTo, body, inWords(problem))
      }
    },
  )
}
