import { sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import type { Progress } from '../db/migrate.ts'
import { duplicateKey } from '../plugins/db/errors.ts'
import { storeAvatars } from './avatars.ts'
import { DEMO_LOGIN } from './people.ts'
import { storePictures, withPictures } from './pictures.ts'
import { insertWorld } from './rows.ts'
import { createWorld } from './world.ts'

/**
 * Fills a database that has no users; any number of processes may call this at the same time. One
 * transaction inserts all rows, so a load is complete or absent. Its first row has a unique e-mail
 * address, so the second of two loads waits for the first, then fails. Returns the login of the demo
 * user, or undefined if the database has other users.
 */
export async function loadDemoData(app: FastifyInstance, progress: Progress) {
  const before = await look(app)
  if (before.demo) return DEMO_LOGIN
  if (before.users) {
    progress('demo data not loaded: the database has users')
    return undefined
  }
  const begin = performance.now()
  const world = createWorld(Date.now())
  const [users, tweets] = [world.people.length, world.tweets.length].map((n) =>
    n.toLocaleString('en'),
  )
  progress(`loading demo data: ${users} users, ${tweets} tweets`)
  await storeAvatars(app, world.people.length)
  const pictures = await storePictures(app, withPictures(world.tweets))
  const passwordHash = await app.password.hash(DEMO_LOGIN.password)
  try {
    await app.transaction((tx) => insertWorld(app, tx, { ...world, pictures }, passwordHash))
    progress(`demo data loaded in ${((performance.now() - begin) / 1000).toFixed(1)} s`)
  } catch (error) {
    if (!duplicateKey(error)) throw error
    progress('another process has loaded the demo data')
  }
  return (await look(app)).demo ? DEMO_LOGIN : undefined
}

/** Whether users exist, and whether the demo user is one of them. */
async function look({ db, tables: { users } }: FastifyInstance) {
  const [row] = await db
    .select({
      users: sql`EXISTS (SELECT 1 FROM ${users})`.mapWith(Boolean),
      demo: sql`EXISTS (SELECT 1 FROM ${users} WHERE email = ${DEMO_LOGIN.email})`.mapWith(Boolean),
    })
    .from(sql`(SELECT 1) AS one`)
  return { users: row?.users === true, demo: row?.demo === true }
}
