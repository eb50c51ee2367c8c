import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import createError from '@fastify/error'
import type { FastifyInstance, FastifyRequest } from 'birdhouse'
import { eq, lt, sql } from 'drizzle-orm'

/** Milliseconds that a second click waits for the outcome of the first, and between two looks. */
const PATIENCE = 20_000
const LOOK_EVERY = 100
/** Bytes of the nonce and of the tag of AES-256-GCM. */
const [NONCE, TAG] = [12, 16]

const StillRunning = createError(
  'FORM_IN_PROGRESS',
  'This form was sent already, and is not done yet. Load the page again in a moment.',
  409,
)

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Only the browser has the secret of its form, so the table reveals no outcome, such as recovery codes. */
function seal(outcome: unknown, secret: string) {
  const nonce = randomBytes(NONCE)
  const cipher = createCipheriv('aes-256-gcm', digest(`seal ${secret}`), nonce)
  const sealed = [cipher.update(JSON.stringify(outcome)), cipher.final()]
  return Buffer.concat([nonce, cipher.getAuthTag(), ...sealed]).toString('base64url')
}

function open(sealed: string, secret: string) {
  const bytes = Buffer.from(sealed, 'base64url')
  const cipher = createDecipheriv(
    'aes-256-gcm',
    digest(`seal ${secret}`),
    bytes.subarray(0, NONCE),
    { authTagLength: TAG },
  )
  cipher.setAuthTag(bytes.subarray(NONCE, NONCE + TAG))
  return JSON.parse(`${cipher.update(bytes.subarray(NONCE + TAG))}${cipher.final()}`)
}

/**
 * Runs the work of a form once: a form that is sent twice, to any process, has the outcome of the first. The work may
 * take transactions of its own, unlike that of `request.runOnce`. After an error the form may be sent again.
 */
export function createOnce(app: FastifyInstance) {
  const { webForms } = app.tables

  /** `secret` is the one-time value of the form. @throws FormInProgress, and what `work` throws */
  async function once<T>(
    { viewer, url, body }: FastifyRequest,
    secret: string | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    if (!secret) return work()
    const hash = digest(JSON.stringify([viewer.userId, url, body]))
    const same = eq(webForms.hash, hash)
    const end = Date.now() + PATIENCE
    while (!(await isFirst(hash))) {
      const [row] = await app.db.select().from(webForms).where(same)
      if (row?.outcome) return open(row.outcome, secret)
      if (Date.now() > end) throw new StillRunning()
      await sleep(LOOK_EVERY)
    }
    try {
      const outcome = await work()
      await app.db
        .update(webForms)
        .set({ outcome: seal(outcome, secret) })
        .where(same)
      return outcome
    } catch (error) {
      await app.db.delete(webForms).where(same)
      throw error
    }
  }

  async function isFirst(hash: Buffer) {
    const [{ affectedRows }] = await app.db.insert(webForms).ignore().values({ hash })
    return affectedRows > 0
  }

  const purge = async () =>
    void (await app.deleteInBatches(webForms, lt(webForms.createdAt, sql`NOW(3) - INTERVAL 1 DAY`)))

  return { once, purge }
}
