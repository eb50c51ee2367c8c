import { createHash, randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest, Tx } from 'birdhouse'
import { eq, sql } from 'drizzle-orm'
import type { Cookies } from './cookies.ts'

/** The name in the list of sessions. */
const APP = 'Web'
/** Days until a session ends that is not used, as that of a login. */
const IDLE_LIFE = 30
/** Milliseconds between two notes of the use of a session. */
const TOUCH_EVERY = 24 * 3_600_000
/** Sessions that one run of the purge ends, at most. */
const BATCH = 500

export type Visitor = { userId: number; sessionId: number; secret: string }

/** 256 random bits, so that a plain hash keeps them secret. */
export const newSecret = () => randomBytes(32).toString('base64url')
const hashOf = (secret: string) => createHash('sha256').update(secret).digest()

const clientOf = (request: FastifyRequest) => ({
  ip: request.clientAddress,
  userAgent: request.headers['user-agent'] ?? '',
  app: APP,
})

/** Sessions of the pages. They are sessions of an app, so that people can list and end them. */
export function createSessions(app: FastifyInstance, cookies: Cookies) {
  const { webSessions, sessions } = app.tables
  const visitors = new WeakMap<FastifyRequest, Visitor>()
  const isIdle = sql`${sessions.lastUsedAt} < NOW(3) - INTERVAL ${IDLE_LIFE} DAY`

  const find = (secret: string) =>
    app.auth.sessions.byToken(webSessions, hashOf(secret), sql`NOT ${isIdle}`)

  /** An onRequest hook: makes the request one of the person whose cookie it has, if any. */
  async function identify(request: FastifyRequest, reply: FastifyReply) {
    const secret = cookies.read(request, 'session')
    if (!secret) return
    const found = await find(secret)
    if (!found) return cookies.clear(reply, 'session')
    const { userId, sessionId, lastUsedAt } = found
    await app.auth.actAs(request, userId, sessionId)
    visitors.set(request, { userId, sessionId, secret })
    if (Date.now() - lastUsedAt.getTime() < TOUCH_EVERY) return
    await app.auth.sessions.touch(sessionId)
    cookies.write(reply, 'session', secret)
  }

  type Proof = Parameters<typeof app.auth.loginForApp>[0]

  /** @throws as `app.auth.loginForApp` */
  const signIn = (proof: Proof, request: FastifyRequest, reply: FastifyReply) =>
    start(request, reply, (store) => app.auth.loginForApp(proof, clientOf(request), store))

  /** Signs in the person who has just signed up. */
  const welcome = (userId: number, request: FastifyRequest, reply: FastifyReply) =>
    start(request, reply, (store) =>
      app.transaction(async (tx) => {
        const sessionId = await app.auth.sessions.openForApp(userId, clientOf(request), tx)
        await store(tx, userId, sessionId)
      }),
    )

  type Store = (tx: Tx, userId: number, sessionId: number) => Promise<void>

  /** A sign-in has a new secret, and ends the session that the browser had before. */
  async function start(
    request: FastifyRequest,
    reply: FastifyReply,
    open: (store: Store) => Promise<unknown>,
  ) {
    const secret = newSecret()
    let opened: Visitor | undefined
    await open(async (tx, userId, sessionId) => {
      await tx.insert(webSessions).values({ hash: hashOf(secret), userId, sessionId })
      opened = { userId, sessionId, secret }
    })
    const former = visitors.get(request)
    if (opened) visitors.set(request, opened)
    // Before the former session ends: if that fails, the browser still has the new one.
    cookies.write(reply, 'session', secret)
    cookies.clear(reply, 'form')
    if (former) await revoke(former)
  }

  async function signOut(request: FastifyRequest, reply: FastifyReply) {
    const visitor = visitors.get(request)
    visitors.delete(request)
    if (visitor) await revoke(visitor)
    cookies.clear(reply, 'session')
  }

  const revoke = ({ userId, sessionId }: Omit<Visitor, 'secret'>) =>
    app.auth.sessions.revoke(userId, sessionId).catch((error) => {
      // Ended by another request.
      if (error.code !== 'SESSION_NOT_FOUND') throw error
    })

  /** Ends idle sessions, and deletes what is left of ended ones. */
  async function purge() {
    const idle = await app.db
      .select({ userId: sessions.userId, sessionId: sessions.id })
      .from(webSessions)
      .innerJoin(sessions, eq(sessions.id, webSessions.sessionId))
      .where(isIdle)
      .limit(BATCH)
    for (const one of idle) await revoke(one)
    const isEnded = sql`NOT EXISTS (SELECT 1 FROM ${sessions} WHERE ${sessions.id} = ${webSessions.sessionId})`
    await app.deleteInBatches(webSessions, isEnded)
  }

  return { visitors, identify, signIn, welcome, signOut, purge }
}
