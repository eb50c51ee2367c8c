import createError from '@fastify/error'
import type { FastifyInstance, PageRequest } from 'birdhouse'
import { and, isNotNull, isNull } from 'drizzle-orm'

/** Code points of a reason. */
export const REASON_MAX = 1000

const SignUpWaiting = createError(
  'SIGN_UP_WAITING',
  'This account waits for a moderator to approve it; try again once you are told by mail.',
  403,
)
const NotWaiting = createError(
  'NOT_WAITING',
  'The account does not wait for an approval; another moderator may have been first.',
  409,
)

/** New accounts that a moderator approves or refuses. */
export function createWaiting(app: FastifyInstance) {
  const { users } = app.tables
  const { states } = app.users

  app.auth.addLoginCheck(async ({ waitingSince }) => {
    if (waitingSince) throw new SignUpWaiting()
  })

  /** Oldest first. @throws InvalidCursor */
  async function page(request: PageRequest) {
    const list = { name: 'sign-ups', id: users.id, oldestFirst: true }
    const { items, nextCursor } = await app.pages.read(list, request, (page) =>
      app.db
        .select()
        .from(users)
        .where(and(isNotNull(users.waitingSince), isNull(users.deletedAt), page.where))
        .orderBy(page.orderBy)
        .limit(page.limit),
    )
    const verified = await app.accountMail.verifiedAmong(items.map(({ id }) => id))
    return {
      items: items.map(({ id, handle, name, profile, email, createdAt }) => ({
        id,
        handle: handle ?? '',
        name,
        profile,
        email: email ?? '',
        emailVerified: verified.has(id),
        createdAt: createdAt.toISOString(),
      })),
      nextCursor,
    }
  }

  /** `actorId` is undefined on the command line. @throws UserNotFound, NotWaiting */
  async function approveSignUp(userId: number, actorId?: number) {
    await app.transaction(async (tx) => {
      await states.lock(tx, userId)
      if (!(await states.approve(tx, userId))) throw new NotWaiting()
      const target = { kind: 'account', id: userId }
      const act = { actorId, act: 'approve-sign-up', target, accountId: userId }
      await app.moderation.record(act, tx)
      const email = (await app.users.credentials({ id: userId }, tx))?.email
      if (email && app.mail.isOn) await app.jobs.add(tx, ['signUp.tell'], { email, reason: null })
    })
  }

  /** Erases the account. @throws UserNotFound, NotWaiting, 400 that names the field */
  async function refuseSignUp(userId: number, given: string, actorId?: number) {
    const reason = app.cleanText(given, { field: 'reason', min: 1, max: REASON_MAX })
    await app.transaction(async (tx) => {
      const { waitingSince } = await states.lock(tx, userId)
      if (!waitingSince) throw new NotWaiting()
      const email = (await app.users.credentials({ id: userId }, tx))?.email
      const target = { kind: 'account', id: userId }
      const act = { actorId, act: 'refuse-sign-up', target, accountId: userId, reason }
      await app.moderation.record(act, tx)
      await app.users.remove(userId, tx)
      if (email && app.mail.isOn) await app.jobs.add(tx, ['signUp.tell'], { email, reason })
    })
  }

  return { signUps: page, approveSignUp, refuseSignUp }
}
