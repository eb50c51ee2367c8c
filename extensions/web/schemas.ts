import { BEFORE_NFC, Cursor, Handle, Id } from 'birdhouse/schemas'
import { Type } from 'typebox'

/** Items of a page. */
export const LIMIT = 20

const strict = { additionalProperties: false }

export const CursorQuery = Type.Object({ cursor: Type.Optional(Cursor) })
export const IdParams = Type.Object({ id: Id }, strict)
export const PersonParams = Type.Object({ handle: Handle }, strict)
export const TweetParams = Type.Object({ handle: Handle, id: Id }, strict)
/** The hashtags extension refuses a tag that is too long; this bounds the work of reading one. */
export const TagParams = Type.Object(
  { tag: Type.String({ minLength: 1, maxLength: 101 * BEFORE_NFC }) },
  strict,
)
