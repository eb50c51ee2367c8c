import { randomBytes, randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import createError from '@fastify/error'
import { eq } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Tx } from '../../plugins/db.ts'
import { close, toSquares } from './pictures/index.ts'

declare module 'fastify' {
  interface FastifyInstance {
    media: ReturnType<typeof createMedia>
  }
}

/** Seconds after which an upload that has not become anyone's picture is an orphan. */
const ORPHAN_AGE = 3600
const COLLECT = 'media.collect'

const AvatarNotFound = createError('AVATAR_NOT_FOUND', 'This user has no profile picture.', 404)

type Size = keyof FastifyInstance['users']['avatarSizes']

function createMedia(app: FastifyInstance) {
  const { users } = app.tables
  const { avatarSizes, avatarObject } = app.users
  const sizes = Object.values(avatarSizes)

  /**
   * Sets the profile picture. The objects are stored first, then the row; a job noted before either
   * removes the objects if the row never comes. @throws UserNotFound, StorageUnavailable and what
   * `toSquares` throws; the picture is then the one it was
   */
  async function setAvatar(userId: number, bytes: Buffer) {
    const file = join(tmpdir(), randomUUID())
    await writeFile(file, bytes)
    const squares = await toSquares(file, sizes).finally(() => rm(file))
    const key = randomBytes(24).toString('base64url')
    await app.transaction((tx) => collectLater(tx, key, ORPHAN_AGE))
    await Promise.all(
      squares.map((square, i) =>
        app.s3.put(avatarObject(key, sizes[i] ?? 0), square, 'image/webp'),
      ),
    )
    await replace(userId, key)
  }

  const removeAvatar = (userId: number) => replace(userId, null)

  async function replace(userId: number, key: string | null) {
    await app.transaction(async (tx) => {
      const old = await app.users.setAvatar(userId, key, tx)
      if (old) await collectLater(tx, old, 0)
    })
  }

  const collectLater = (tx: Tx, key: string, delay: number) =>
    app.jobs.add(tx, [COLLECT], { key }, { delay })

  /** Removes the objects of a picture unless it is someone's. */
  async function collect({ key }: { key: string }) {
    const [owner] = await app.db
      .select({ id: users.id })
      .from(users)
      .where(eq(users.avatarKey, key))
    if (!owner) await removeObjects(key)
  }

  const removeObjects = (key: string) => app.s3.remove(sizes.map((size) => avatarObject(key, size)))

  async function erase(userId: number) {
    const [user] = await app.db
      .select({ key: users.avatarKey })
      .from(users)
      .where(eq(users.id, userId))
    if (user?.key) await removeObjects(user.key)
  }

  /** The key of the object. @throws UserNotFound, AvatarNotFound */
  async function avatarKey(userId: number, size: Size) {
    await app.users.assertExist(app.db, [userId])
    const [user] = await app.db
      .select({ key: users.avatarKey })
      .from(users)
      .where(eq(users.id, userId))
    if (!user?.key) throw new AvatarNotFound()
    return avatarObject(user.key, avatarSizes[size])
  }

  return { setAvatar, removeAvatar, collect, erase, avatarKey }
}

export default fp(
  async (app) => {
    app.decorate('media', createMedia(app))
    // Never given up: a store that is down for long must not leave pictures behind.
    app.jobs.define(COLLECT, app.media.collect, { maxAttempts: Number.POSITIVE_INFINITY })
    app.users.addEraser(app.media.erase)
    app.addHook('onClose', close)
  },
  { name: 'media.service', dependencies: ['users.service', 's3', 'jobs'] },
)
