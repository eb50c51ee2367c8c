import type { FastifyPluginAsyncTypebox, FastifyReply } from 'birdhouse'
import { BODY_LIMITS, SignUp } from 'birdhouse/schemas'
import { type Static, Type } from 'typebox'
import { type Entered, joinedPage, signUpPage } from '../pages/sign-up.ts'
import { inWords } from '../problems.ts'

const Form = Type.Object(
  { ...SignUp.properties, token: Type.Optional(Type.String({ maxLength: 100 })) },
  { additionalProperties: false },
)

/** The page on which a person creates an account, and is signed in. */
export const signUp: FastifyPluginAsyncTypebox = async (app) => {
  const { forms, send, welcome } = app.web
  const { rules } = app.signUp
  const { site, publicUrl } = app.config
  const schema = { hide: true }

  const form = (reply: FastifyReply, entered?: Entered, problem?: string) =>
    send(reply, {
      title: 'Sign up',
      main: signUpPage(rules, forms.field(reply), entered, problem),
    })

  app.get('/join', { schema }, async (_request, reply) => form(reply))

  app.post(
    '/join',
    {
      bodyLimit: BODY_LIMITS.credentials,
      config: { limit: 'sign-up' },
      schema: { ...schema, body: Form },
      attachValidation: true,
    },
    async (request, reply) => {
      const { token, ...body } = request.body as Static<typeof Form>
      try {
        if (request.validationError) throw request.validationError
        forms.assertOwn(request, token)
        const { id, isWaiting } = await app.auth.register(body, request.clientAddress)
        if (!isWaiting) await welcome(id, request, reply)
        const handle = isWaiting ? null : (await app.users.get(id)).handle
        const { host } = new URL(publicUrl ?? `${request.protocol}://${request.host}`)
        const main = joinedPage(site, handle, host)
        return send(reply.code(201), { title: 'Welcome', main })
      } catch (error) {
        const problem = app.errors.report(error as never, request, reply)
        return form(reply.code(problem.status), body, inWords(problem))
      }
    },
  )
}
