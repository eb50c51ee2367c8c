import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'birdhouse'
import { BODY_LIMITS } from 'birdhouse/schemas'
import { type Static, Type } from 'typebox'
import { hidden } from '../../pages/form.ts'
import { frame, type Shown } from '../../pages/settings/frame.ts'
import { inWords } from '../../problems.ts'
import { newSecret } from '../../sessions.ts'

const Query = Type.Object({
  done: Type.Optional(Type.String({ maxLength: 10 })),
  cursor: Type.Optional(Type.String({ maxLength: 200 })),
})
const hiddenFields = {
  token: Type.Optional(Type.String({ maxLength: 100 })),
  once: Type.Optional(Type.String({ pattern: '^[\\w-]{43}$' })),
}

/** By the value of `done` in the query. */
const NOTES: Record<string, string> = {
  yes: 'Done.',
  asked: 'A mail is on its way. It is valid for 30 minutes.',
}

type Fields = Record<string, Type.TSchema>
type BodyOf<F extends Fields> = Static<Type.TObject<F>>

type Act<F extends Fields, O extends object> = {
  fields: F
  params?: Type.TObject
  config?: RouteOptions['config']
  /** Runs once, however often the form is sent; a form with files may be sent again with others. */
  act: (request: FastifyRequest, body: BodyOf<F>) => Promise<O>
  /** Answers with a page instead of a redirect to the path `to` of the outcome, or else to this page. */
  answer?: (reply: FastifyReply, outcome: O) => Promise<unknown>
  /** The page that shows what is wrong with the form, if it is another one. */
  again?: (shown: Shown) => string | undefined
}

type Main = (request: FastifyRequest, shown: Shown) => Promise<string> | string

export const cursorOf = ({ query }: FastifyRequest) => (query as Static<typeof Query>).cursor

/** A page of the settings and the forms on it. */
export function settingsPage(app: FastifyInstance, path: string, title: string, main: Main) {
  const { forms, once, send } = app.web

  async function shownTo(request: FastifyRequest, reply: FastifyReply, more: Partial<Shown>) {
    const { userId } = request.viewer
    const { isOn: isFactorOn } = await app.auth.secondFactor.state(userId)
    const { email } = await app.users.getOwn(userId)
    const token = forms.field(reply) + hidden({ once: newSecret() })
    return { token, entered: {}, problem: '', note: '', isFactorOn, email, ...more }
  }

  const sendMain = (reply: FastifyReply, shown: Shown, html: string) =>
    send(reply, { title, main: frame(title, shown, html) })

  app.get(path, { schema: { hide: true, querystring: Query } }, async (request, reply) => {
    const { done = '' } = request.query as Static<typeof Query>
    const shown = await shownTo(request, reply, { note: NOTES[done] ?? '' })
    return sendMain(reply, shown, await main(request, shown))
  })

  /** Adds what a form of the page does. A form that fails is shown again. */
  function takes<F extends Fields, O extends object>(
    action: string,
    { fields, params, config = {}, act, answer, again }: Act<F, O>,
  ) {
    const body = Type.Object({ ...hiddenFields, ...fields }, { additionalProperties: false })
    const options = {
      config,
      schema: { hide: true, body, ...(params && { params }) },
      attachValidation: true,
      ...(!config.files && { bodyLimit: BODY_LIMITS.credentials }),
    }
    app.post(action, options, async (request, reply) => {
      const sent = request.body as Static<Type.TObject<typeof hiddenFields>> & BodyOf<F>
      try {
        if (request.validationError) throw request.validationError
        forms.assertOwn(request, sent.token)
        const work = () => act(request, sent)
        const outcome = config.files ? await work() : await once(request, sent.once, work)
        if (answer) return await answer(reply, outcome)
        return reply.redirect('to' in outcome ? String(outcome.to) : `${path}?done=yes`, 303)
      } catch (error) {
        const problem = app.errors.report(error as never, request, reply)
        const entered = (sent ?? {}) as unknown as Shown['entered']
        const shown = await shownTo(request, reply, { entered, problem: inWords(problem) })
        const html = again?.(shown) ?? (await main(request, shown))
        return sendMain(reply.code(problem.status), shown, html)
      }
    })
  }

  return { takes, sendMain, shownTo }
}
