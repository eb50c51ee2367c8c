import createError from '@fastify/error'
import type { FastifyInstance } from 'birdhouse'
import type { createLoginAttempts } from './login-attempts.ts'
import type { Claimed } from './login-rules.ts'
import type { createSecondFactor, FactorProof } from './second-factor.ts'
import { WrongCode } from './totp.ts'

export type Proof = { password: string } & FactorProof
/** The password has been right before, see login-tickets.ts. */
export type LaterProof = { isPasswordChecked: true } & FactorProof

const required = (status: number) =>
  createError(
    'SECOND_FACTOR_REQUIRED',
    'This account has a second factor; send `code` as well, the current code of the authenticator app or a recovery code, or `passkey`, the answer of a passkey.',
    status,
  )
const wrong = (status: number) =>
  createError('WRONG_SECOND_FACTOR', new WrongCode().message, status)

/** A login is refused with 401, an act of a session with 403, which no new token would change. */
const REFUSALS = {
  login: { Required: required(401), Wrong: wrong(401) },
  act: { Required: required(403), Wrong: WrongCode },
}

/** Checks password and second factor as one attempt, so that a right password ends no row of wrong codes. */
export function createCredentialCheck(
  app: FastifyInstance,
  attempts: ReturnType<typeof createLoginAttempts>,
  secondFactor: ReturnType<typeof createSecondFactor>,
) {
  /**
   * Returns whether the password is right.
   * @throws SecondFactorRequired, WrongSecondFactor, TooManyFailures, TooManyRequests
   */
  return async function check(
    claimed: Claimed,
    account: { id: number; passwordHash: string } | undefined,
    proof: Proof | LaterProof,
    address: string,
    purpose: keyof typeof REFUSALS,
  ) {
    let isWrongCode = false
    const right = await attempts.check(claimed, address, async (origin) => {
      const isOwner =
        'isPasswordChecked' in proof ||
        (await app.password.verify(proof.password, account?.passwordHash, origin))
      if (!account || !isOwner) return false
      const outcome = await secondFactor.check(account.id, proof)
      if (outcome === 'missing') throw new REFUSALS[purpose].Required()
      isWrongCode = outcome === 'wrong'
      if (isWrongCode)
        app.securityLog('authn_login_fail', { userId: account.id, address, isSecondFactor: true })
      return !isWrongCode
    })
    if (isWrongCode) throw new REFUSALS[purpose].Wrong()
    return right
  }
}
