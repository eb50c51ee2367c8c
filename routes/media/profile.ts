import createError from '@fastify/error'
import type { FastifyInstance, Tx, Upload } from 'birdhouse'
import { newKey, store } from './objects.ts'
import { toBanners, toSquares } from './pictures/index.ts'
import type { Removal } from './removal.ts'

const AvatarNotFound = createError('AVATAR_NOT_FOUND', 'This user has no profile picture.', 404)
const HeaderNotFound = createError('HEADER_NOT_FOUND', 'This user has no header picture.', 404)

const KINDS = {
  avatar: { render: toSquares, NotFound: AvatarNotFound },
  header: { render: toBanners, NotFound: HeaderNotFound },
}

export type Kind = keyof typeof KINDS
export type Size = keyof FastifyInstance['users']['pictures'][Kind]['sizes']

export function createProfilePictures(app: FastifyInstance, { removeLater }: Removal) {
  /** Stores a picture that no account has yet; the sweep deletes what is never used. Returns its key. */
  async function storeNew(kind: Kind, userId: number, { file, cancelled }: Upload) {
    const { sizes, object } = app.users.pictures[kind]
    const widths = Object.values(sizes)
    const rendered = await KINDS[kind].render(file, widths, { ownerId: userId, cancelled })
    const key = newKey()
    await store(
      app,
      rendered.map((bytes, i) => [object(key, widths[i] ?? 0), bytes]),
      cancelled,
    )
    return key
  }

  /**
   * Sets one or both pictures in a transaction, in which `within` runs first. After an error the old pictures stay.
   * @throws UserNotFound, StorageUnavailable and what `toSquares` and `toBanners` throw
   */
  async function setPictures(
    userId: number,
    uploads: Partial<Record<Kind, Upload | undefined>>,
    within: (tx: Tx) => Promise<unknown> = async () => {},
  ) {
    const keys: [Kind, string][] = []
    for (const kind of ['avatar', 'header'] as const) {
      const upload = uploads[kind]
      if (upload) keys.push([kind, await storeNew(kind, userId, upload)])
    }
    await app.transaction(async (tx) => {
      await within(tx)
      for (const [kind, key] of keys) await replace(kind, userId, key, tx)
    })
  }

  const setPicture = (kind: Kind, userId: number, upload: Upload) =>
    setPictures(userId, { [kind]: upload })

  /** Returns false without a picture. @throws UserNotFound */
  const removePicture = (kind: Kind, userId: number, outer?: Tx) =>
    replace(kind, userId, null, outer)

  /** Returns true if there was a picture before. */
  async function replace(kind: Kind, userId: number, key: string | null, outer?: Tx) {
    const { set, objects } = app.users.pictures[kind]
    return app.transaction(async (tx) => {
      const old = await set(userId, key, tx)
      if (old) await removeLater(tx, objects(old))
      return old !== null
    }, outer)
  }

  /** The key of the object. @throws UserNotFound, AvatarNotFound, HeaderNotFound */
  async function pictureObject(kind: Kind, userId: number, size: Size) {
    const { keyOf, object, sizes } = app.users.pictures[kind]
    const key = await keyOf(userId)
    if (!key) throw new KINDS[kind].NotFound()
    return object(key, sizes[size])
  }

  return { setPicture, setPictures, removePicture, pictureObject }
}
