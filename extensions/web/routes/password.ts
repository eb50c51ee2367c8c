import type { FastifyPluginAsyncTypebox, FastifyReply } from 'birdhouse'
import { BODY_LIMITS, Email, NewPassword } from 'birdhouse/schemas'
import { type Static, Type } from 'typebox'
import { askedPage, forgottenPage, newPasswordPage } from '../pages/password.ts'
import { inWords } from '../problems.ts'

const token = Type.Optional(Type.String({ maxLength: 100 }))
const Forgotten = Type.Object({ token, email: Email })
const NewOne = Type.Object({
  token,
  mailToken: Type.String({ pattern: '^\\s*[\\w-]{43}\\s*$' }),
  newPassword: NewPassword,
})

/** The pages on which a person who forgot the password asks for a mail, and chooses a new one with its token. */
export const password: FastifyPluginAsyncTypebox = async (app) => {
  const { forms, send } = app.web
  const { bodyLimit, attachValidation } = {
    bodyLimit: BODY_LIMITS.credentials,
    attachValidation: true,
  }
  const schema = { hide: true }
  app.accountMail.addForm('reset', '/password/new')

  const showForgotten = (reply: FastifyReply, email = '', problem = '') =>
    send(reply, {
      title: 'Forgotten password',
      main: forgottenPage({ token: forms.field(reply), email, problem }),
    })

  app.get('/password/forgotten', { schema }, async (_request, reply) => showForgotten(reply))

  app.post(
    '/password/forgotten',
    {
      bodyLimit,
      attachValidation,
      config: { limit: 'mail' },
      schema: { ...schema, body: Forgotten },
    },
    async (request, reply) => {
      const sent = (request.body ?? {}) as Partial<Static<typeof Forgotten>>
      try {
        if (request.validationError) throw request.validationError
        forms.assertOwn(request, sent.token)
        await app.accountMail.askToReset(sent.email ?? '')
        return send(reply, { title: 'Look at your mails', main: askedPage })
      } catch (error) {
        const problem = app.errors.report(error as never, request, reply)
        return showForgotten(reply.code(problem.status), sent.email, inWords(problem))
      }
    },
  )

  const showNew = (reply: FastifyReply, mailToken = '', problem = '') =>
    send(reply, {
      title: 'New password',
      main: newPasswordPage({ token: forms.field(reply), mailToken, problem }),
    })

  app.get('/password/new', { schema }, async (_request, reply) => showNew(reply))

  app.post(
    '/password/new',
    {
      bodyLimit,
      attachValidation,
      config: { limit: 'login' },
      schema: { ...schema, body: NewOne },
    },
    async (request, reply) => {
      const sent = (request.body ?? {}) as Partial<Static<typeof NewOne>>
      const { mailToken = '', newPassword = '' } = sent
      try {
        if (request.validationError) throw request.validationError
        forms.assertOwn(request, sent.token)
        await app.accountMail.reset({ token: mailToken.trim(), newPassword })
        return reply.redirect('/sign-in?again=true', 303)
      } catch (error) {
        const problem = app.errors.report(error as never, request, reply)
        return showNew(reply.code(problem.status), mailToken, inWords(problem))
      }
    },
  )
}
