import fp from 'fastify-plugin'
import { createFolder } from './folder.ts'
import type { Deliver, Message } from './message.ts'
import { createSmtp } from './smtp.ts'

declare module 'fastify' {
  interface FastifyInstance {
    mail: ReturnType<typeof createMail>
  }
}

/**
 * Options of jobs that send mail. A failed try runs again after at most 15 minutes, for at least a day (RFC 5321,
 * section 4.5.4.1, wants four to five days for mail servers; a token of ours is worth nothing by then). Then it is
 * deleted, because its payload may have an address of an account that is erased meanwhile.
 */
const JOB = { maxAttempts: 160, timeout: 60, lane: 'mail', keepDead: false }

/** RFC 3834: no vacation message answers. */
const HEADERS = { 'Auto-Submitted': 'auto-generated' }

type Options = { from: string; deliver: Deliver | undefined; isOutside: boolean }

function createMail({ from, deliver, isOutside }: Options) {
  let isFailing = false

  /** Sends the message now; call it from a job that was defined with `job`. @throws Error for another try */
  async function send(message: Message) {
    if (!deliver) return
    try {
      await deliver({ from, headers: HEADERS, ...message })
      isFailing = false
    } catch (error) {
      isFailing = true
      throw error
    }
  }

  return {
    /** False where no mail is sent: production without MAIL_URL. */
    isOn: deliver !== undefined,
    job: JOB,
    send,
    /** True where mail goes to a server, whose failures `/readyz` shows. */
    isOutside,
    /** Rejects while the last message could not be sent. */
    check: async () => {
      if (isFailing) throw new Error('The last mail was not sent; the log says why.')
    },
  }
}

export default fp(
  async (app) => {
    const { url, from, folder } = app.config.mail
    if (url) {
      const smtp = createSmtp(url, app.log)
      app.decorate('mail', createMail({ from, deliver: smtp.deliver, isOutside: true }))
      app.addHook('onClose', async () => smtp.close())
      return
    }
    const deliver = folder === undefined ? undefined : createFolder(folder, app.log)
    app.decorate('mail', createMail({ from, deliver, isOutside: false }))
    if (!deliver && app.config.production)
      app.log.warn(
        'No mail is sent: set MAIL_URL and MAIL_FROM, so that users can reset passwords.',
      )
  },
  { name: 'mail', dependencies: ['config'] },
)
