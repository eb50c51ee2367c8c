import type { FastifyBaseLogger } from 'fastify'
import { createTransport } from 'nodemailer'
import type { readMailUrl } from '../config/mail-url.ts'
import type { Deliver } from './message.ts'

/** Milliseconds without progress of a connection; a job may take a minute. */
const SILENCE = 10_000
const CONNECTIONS = 2

type Failure = Error & {
  code?: string
  command?: string
  responseCode?: number
  rejected?: string[]
}

export function createSmtp(server: ReturnType<typeof readMailUrl>, log: FastifyBaseLogger) {
  const transport = createTransport({
    ...server,
    pool: true,
    maxConnections: CONNECTIONS,
    connectionTimeout: SILENCE,
    greetingTimeout: SILENCE,
    socketTimeout: SILENCE,
    disableFileAccess: true,
    disableUrlAccess: true,
  })

  /** Leaves out a recipient whom the server refuses for good; every other failure is for another try. */
  const deliver: Deliver = async ({ to, ...message }) => {
    try {
      const sent = await transport.sendMail({ ...message, to: addressee(to) })
      log.debug({ messageId: sent.messageId }, 'mail sent')
    } catch (error) {
      const { code = '', command = '', responseCode = 0, rejected = [] } = error as Failure
      const isRefused = code === 'EMESSAGE' || (code === 'EENVELOPE' && rejected.length > 0)
      // RFC 5321, section 4.2.1: 5yz must not be tried again. A refused sender or password is the operator's to mend.
      if (isRefused && responseCode >= 500)
        return log.warn({ code, responseCode }, 'the mail server refuses a mail for good')
      // Without the server's answer, which may name the recipient.
      throw new Error(`The mail server failed: ${[code, command, responseCode || ''].join(' ')}`)
    }
  }

  return { deliver, close: () => transport.close() }
}

/** Not text, which nodemailer would read as a list of addresses. */
const addressee = (address: string) => ({ name: '', address })
