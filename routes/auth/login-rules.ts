import { createHmac } from 'node:crypto'

/** Failed logins in a row, at most (NIST SP 800-63B, section 3.2.2); then `KEPT` days pass until the next. */
const MOST = 100
/** Failures in a row without a wait: a person mistypes. */
const FREE = 4
/** Seconds of the longest wait before the last failure; the first is 1 s, the next twice as long. */
const LONGEST_WAIT = 900
/** Days until a row that has not changed is purged. */
export const KEPT = 90
const DAY = 86_400
/** Subjects of all e-mail addresses without an account, so that their rows are bounded. */
const STRANGERS = 65_536

export type Claimed = { id: number; email?: string } | { id: number | undefined; email: string }

/** Seconds until the next attempt after so many failures in a row. */
export function waitAfter(failures: number) {
  if (failures >= MOST) return KEPT * DAY
  return failures <= FREE ? 0 : Math.min(LONGEST_WAIT, 2 ** (failures - FREE - 1))
}

/**
 * E-mail addresses without an account wait as accounts do, so that waits reveal nothing. The secret keeps anyone from
 * computing which of them share a subject: such an address would wait because of the other, an account would not.
 */
export function subjectOf({ id, email = '' }: Claimed, secret: string) {
  if (id !== undefined) return id
  const digest = createHmac('sha256', secret).update(`login:${email.toLowerCase()}`).digest()
  return -1 - (digest.readUInt32BE() % STRANGERS)
}
