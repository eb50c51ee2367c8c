import createError from '@fastify/error'
import type { FastifyInstance, Tx } from 'birdhouse'
import type { PasskeyAnswer } from 'birdhouse/schemas'
import type { Factors } from '../factors.ts'
import type { createChallenges } from './challenges.ts'
import { createKeys } from './keys.ts'
import type { PasskeyRegistration } from './schemas.ts'
import { challengeIn, createWebAuthn } from './webauthn.ts'

/** Characters of a reason in the log. */
const REASON = 200

const None = createError(
  'NO_PASSKEYS',
  'This account has no passkey; send a code where it has a second factor.',
  409,
)
const Refused = createError(
  'PASSKEY_REFUSED',
  'The passkey does not answer new options of this site, or has an attestation; ask for options, and do not change them.',
  422,
)

type Within = (tx: Tx) => Promise<unknown>
type Viewer = { userId: number; sessionId: number }

/** Passkeys (WebAuthn) as second factor. Passwords and present factors are the caller's to check. */
export function createPasskeys(
  app: FastifyInstance,
  challenges: ReturnType<typeof createChallenges>,
  factors: Factors,
) {
  const keys = createKeys(app)
  const webauthn = createWebAuthn(app)

  /** @throws TooManyPasskeys, PasskeysUnavailable */
  async function assertRoom(userId: number) {
    webauthn.site()
    await keys.assertRoom(userId)
  }

  /** @throws TooManyPasskeys, PasskeysUnavailable */
  async function creationOptions({ userId, sessionId }: Viewer) {
    await assertRoom(userId)
    const [user, known] = [await app.users.getOwn(userId), await keys.of(userId)]
    return webauthn.creationOptions(user, known, await challenges.issue(userId, sessionId))
  }

  /** @throws NoPasskeys, PasskeysUnavailable */
  async function requestOptions(userId: number | undefined) {
    webauthn.site()
    const known = userId === undefined ? [] : await keys.of(userId)
    if (userId === undefined || known.length === 0) throw new None()
    return webauthn.requestOptions(known, await challenges.issue(userId, null))
  }

  /**
   * Adds a passkey, which switches the second factor on if it is off; `within` runs last in the transaction.
   * @throws PasskeyRefused, PasskeyTaken, TooManyPasskeys, PasskeysUnavailable, 400 that names the field
   */
  async function add(
    viewer: Viewer,
    given: { name: string; passkey: PasskeyRegistration },
    within: Within,
  ) {
    webauthn.site()
    const { userId } = viewer
    const name = keys.toName(given.name)
    const added = await app.transaction(async (tx) => {
      await app.users.states.lock(tx, userId)
      const key = await verified(viewer, given.passkey, tx)
      // Commits, so that the challenge is used up.
      if (!key) return undefined
      const { isOn } = await factors.of(userId, tx)
      await keys.assertRoom(userId, tx)
      const id = await keys.insert(tx, { ...key, userId, name })
      const recoveryCodes = isOn ? undefined : await factors.switchOn(tx, userId)
      await app.events.emit(tx, 'auth.passkeysChanged', { userId, isAdded: true })
      await within(tx)
      return { ...(await keys.get(userId, id, tx)), ...(recoveryCodes && { recoveryCodes }) }
    })
    if (!added) throw new Refused()
    return added
  }

  async function verified({ userId, sessionId }: Viewer, given: PasskeyRegistration, tx: Tx) {
    const challenge = challengeIn(given.response.clientDataJSON)
    if (!(await challenges.spend(userId, sessionId, challenge, tx))) return undefined
    return webauthn.verifyRegistration(given, challenge).catch((error) => note(userId, error))
  }

  /** Uses up a challenge. False if the answer is not of a passkey of this account. @throws PasskeysUnavailable */
  async function use(userId: number, answer: PasskeyAnswer) {
    webauthn.site()
    const key = await keys.find(userId, answer.id)
    const challenge = challengeIn(answer.response.clientDataJSON)
    if (!key || !(await challenges.spend(userId, null, challenge))) return false
    const counter = await webauthn
      .verifyUse(answer, key, challenge)
      .catch((error) => note(userId, error))
    return counter !== undefined && keys.noteUse(userId, key.id, counter)
  }

  /** A counter that went back can mean that somebody has copied the key. */
  const note = (userId: number, { message }: Error): undefined => {
    app.log.warn({ userId, reason: message.slice(0, REASON) }, 'passkey refused')
  }

  /** The last factor switches the second factor off; `within` runs last in the transaction. @throws PasskeyNotFound */
  const remove = (userId: number, id: number, within: Within) =>
    app.transaction(async (tx) => {
      await app.users.states.lock(tx, userId)
      await keys.remove(tx, userId, id)
      await app.events.emit(tx, 'auth.passkeysChanged', { userId, isAdded: false })
      if (!(await factors.of(userId, tx)).isOn) await factors.switchOff(tx, userId)
      await within(tx)
    })

  async function erase(userId: number, tx: Tx) {
    await keys.erase(userId, tx)
    await challenges.erase(userId, tx)
  }

  const { list, get, rename } = keys
  return { list, get, rename, assertRoom, creationOptions, requestOptions, add, use, remove, erase }
}
