import type { FastifyPluginAsyncTypebox, FastifyReply, FastifyRequest } from 'birdhouse'
import { BODY_LIMITS } from 'birdhouse/schemas'
import { type Static, Type } from 'typebox'
import { LONGEST_PATH, ownPath } from '../own-path.ts'
import { codePage, signInPage } from '../pages/sign-in.ts'
import { inWords } from '../problems.ts'

const text = (maxLength: number) => Type.Optional(Type.String({ maxLength }))
const Query = Type.Object({ return_to: text(LONGEST_PATH), again: text(5) })
const Form = Type.Object({
  token: text(100),
  return_to: text(LONGEST_PATH),
  email: text(300),
  password: text(600),
  ticket: text(200),
  code: text(100),
})
type Form = Static<typeof Form>
type Thrown = { ticket?: string; code?: string }

/** The pages on which a person signs in, with a second step where there is a second factor, and signs out. */
export const signIn: FastifyPluginAsyncTypebox = async (app) => {
  const { forms, send, signIn, signOut, reasonFor } = app.web
  const schema = { hide: true }

  app.get('/sign-in', { schema: { ...schema, querystring: Query } }, async (request, reply) => {
    const { query, viewerId } = request
    const returnTo = ownPath(query.return_to)
    if (viewerId !== undefined && !query.again) return reply.redirect(returnTo, 303)
    return showForm(reply, returnTo)
  })

  async function showForm(reply: FastifyReply, returnTo: string, name?: string, problem = '') {
    const reason = await reasonFor(returnTo)
    const main = signInPage({ token: forms.field(reply), returnTo, reason, name, problem })
    return send(reply, { title: 'Sign in', main })
  }

  const showCode = (reply: FastifyReply, returnTo: string, ticket: string, problem = '') =>
    send(reply, {
      title: 'Enter your code',
      main: codePage({ token: forms.field(reply), returnTo, ticket, problem }),
    })

  app.post(
    '/sign-in',
    {
      bodyLimit: BODY_LIMITS.credentials + 4 * LONGEST_PATH,
      config: { limit: 'login' },
      schema: { ...schema, body: Form },
    },
    async (request, reply) => {
      const returnTo = ownPath(request.body.return_to)
      try {
        forms.assertOwn(request, request.body.token)
        await signIn(proofIn(request.body), request, reply)
      } catch (error) {
        return showProblem(request, reply, error as Thrown, request.body)
      }
      return reply.redirect(returnTo, 303)
    },
  )

  /** Shows the form again with what is wrong, or the second step. */
  async function showProblem(
    request: FastifyRequest,
    reply: FastifyReply,
    error: Thrown,
    { email, ticket, ...body }: Form,
  ) {
    const returnTo = ownPath(body.return_to)
    if (error.ticket) return showCode(reply, returnTo, error.ticket)
    const problem = app.errors.describe(error, request)
    if (problem.status >= 500) throw error
    app.errors.report(error as never, request, reply.code(problem.status))
    const sentence = inWords(problem)
    const isSecondStep = ticket && !['LOGIN_EXPIRED', 'OLD_FORM'].includes(problem.code)
    return isSecondStep
      ? showCode(reply, returnTo, ticket, sentence)
      : showForm(reply, returnTo, email, sentence)
  }

  app.post(
    '/sign-out',
    { schema: { ...schema, body: Type.Object({ token: text(100) }) } },
    async (request, reply) => {
      if (request.viewerId !== undefined) {
        forms.assertOwn(request, request.body.token)
        await signOut(request, reply)
      }
      return reply.redirect('/', 303)
    },
  )
}

const proofIn = ({ email = '', password = '', ticket, code = '' }: Form) =>
  ticket ? { ticket, code } : { email, password }
