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

type Act<Body> = {
  limit: 'login' | 'mail'
  /** The page with the form, as it was sent and with what is wrong. */
  show: (reply: FastifyReply, sent: Partial<Body>, problem?: string) => unknown
  act: (reply: FastifyReply, sent: Body) => Promise<unknown>
}

/** The pages on which a person who forgot the password asks for a mail, and chooses a new one with its token. */
export const password: FastifyPluginAsyncTypebox = async (app) => {
  const { forms, send } = app.web
  const schema = { hide: true }
  app.accountMail.addForm('reset', '/password/new')

  function page<Body extends Type.TObject>(
    path: string,
    body: Body,
    { limit, show, act }: Act<Static<Body>>,
  ) {
    app.get(path, { schema }, async (_request, reply) => show(reply, {}))
    const options = {
      bodyLimit: BODY_LIMITS.credentials,
      config: { limit },
      schema: { ...schema, body },
      attachValidation: true,
    }
    app.post(path, options, async (request, reply) => {
      const sent = (request.body ?? {}) as Static<Body> & { token?: string }
      try {
        if (request.validationError) throw request.validationError
        forms.assertOwn(request, sent.token)
        return await act(reply, sent)
      } catch (error) {
        const problem = app.errors.report(error as never, request, reply)
        return show(reply.code(problem.status), sent, inWords(problem))
      }
    })
  }

  page('/password/forgotten', Forgotten, {
    limit: 'mail',
    show: (reply, { email = '' }, problem = '') =>
      send(reply, {
        title: 'Forgotten password',
        main: forgottenPage({ token: forms.field(reply), email, problem }),
      }),
    act: async (reply, { email }) => {
      await app.accountMail.askToReset(email)
      return send(reply, { title: 'Look at your mails', main: askedPage })
    },
  })

  page('/password/new', NewOne, {
    limit: 'login',
    show: (reply, { mailToken = '' }, problem = '') =>
      send(reply, {
        title: 'New password',
        main: newPasswordPage({ token: forms.field(reply), mailToken, problem }),
      }),
    act: async (reply, { mailToken, newPassword }) => {
      await app.accountMail.reset({ token: mailToken.trim(), newPassword })
      return reply.redirect('/sign-in?again=true', 303)
    },
  })
}
