import { createHmac, timingSafeEqual } from 'node:crypto'

/** Seconds to type a code after a right password. */
const LIFE = 300

type Account = { id: number; passwordHash: string }

/** A ticket says that the password of an account was right; another password makes it invalid. */
export function createLoginTickets(secrets: string[]) {
  const sign = (secret: string, { id, passwordHash }: Account, until: number) =>
    createHmac('sha256', secret).update(`login ticket:${id}:${until}:${passwordHash}`).digest()

  function issue(account: Account) {
    const until = Math.floor(Date.now() / 1000) + LIFE
    const [secret = ''] = secrets
    return `${account.id}.${until}.${sign(secret, account, until).toString('base64url')}`
  }

  /** The account that the ticket claims to be for. */
  const claimedBy = (ticket: string) =>
    Number(/^(\d{1,16})\.\d{1,12}\.[\w-]{43}$/.exec(ticket)?.[1] ?? 0)

  function isValid(ticket: string, account: Account) {
    const [id, until = '', signature = ''] = ticket.split('.')
    if (Number(id) !== account.id || Number(until) < Date.now() / 1000) return false
    const given = Buffer.from(signature, 'base64url')
    return secrets.some((secret) => timingSafeEqual(sign(secret, account, Number(until)), given))
  }

  return { issue, claimedBy, isValid }
}
