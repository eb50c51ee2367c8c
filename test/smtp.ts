import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer } from 'smtp-server'

type Scope = { teardown: (work: () => unknown) => unknown }
type Refusal = { code: number; text: string }

/** A mail server that keeps what it gets; `refuse` says what it answers to a recipient. */
export async function startSmtp(t: Scope, port = 0) {
  const mails: (Email & { recipients: string[] })[] = []
  let refuse: (recipient: string) => Refusal | undefined = () => undefined
  const server = new SMTPServer({
    authOptional: true,
    // Milliseconds; clients keep idle connections.
    closeTimeout: 100,
    disabledCommands: ['STARTTLS'],
    onRcptTo({ address }, _session, done) {
      const refusal = refuse(address)
      if (!refusal) return done()
      done(Object.assign(new Error(refusal.text), { responseCode: refusal.code }))
    },
    async onData(stream, { envelope }, done) {
      const mail = await PostalMime.parse(await buffer(stream))
      mails.push({ ...mail, recipients: envelope.rcptTo.map(({ address }) => address) })
      done()
    },
  })
  server.listen(port, '127.0.0.1')
  await once(server.server, 'listening')
  const { port: used } = server.server.address() as { port: number }
  const stop = () => new Promise<void>((resolve) => server.close(() => resolve()))
  t.teardown(stop)
  return {
    mails,
    port: used,
    stop,
    url: `smtp://127.0.0.1:${used}`,
    refuse: (rule: typeof refuse) => {
      refuse = rule
    },
    /** Mails to this address, oldest first. */
    to: (address: string) => mails.filter(({ recipients }) => recipients.includes(address)),
  }
}

/** The token in the text of a mail. */
export const tokenIn = (mail: Email | undefined) =>
  /^[A-Za-z0-9_-]{43}$/m.exec(mail?.text ?? '')?.[0] ?? ''
