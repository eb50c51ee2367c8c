import type { InferSelectModel } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import type { media, StoredVariant } from '../../db/schema/index.ts'
import { LIMITS, mediaObject } from './objects.ts'

export type Row = Omit<InferSelectModel<typeof media>, 'ownerId' | 'tweetId' | 'position'>

/** The columns that `present` needs. */
export const columnsOf = ({ tables: { media } }: FastifyInstance) => ({
  id: media.id,
  key: media.key,
  alt: media.alt,
  width: media.width,
  height: media.height,
  animated: media.animated,
  thumbhash: media.thumbhash,
  variants: media.variants,
  createdAt: media.createdAt,
})

/** A row as the API shows it; a variant that was not needed has the address of the next smaller. */
export function present(app: FastifyInstance, row: Row) {
  const { id, key, alt, width, height, animated, thumbhash } = row
  const variant = (wanted: number) => {
    const { limit, ...size } = fitting(row.variants, wanted)
    return { url: app.s3.url(mediaObject(key, limit)), width: size.width, height: size.height }
  }
  return {
    id,
    alt,
    width,
    height,
    animated,
    thumbhash,
    variants: {
      small: variant(LIMITS.small),
      medium: variant(LIMITS.medium),
      large: variant(LIMITS.large),
    },
    createdAt: row.createdAt.toISOString(),
  }
}

function fitting(variants: StoredVariant[], wanted: number) {
  const found = variants
    .filter(({ limit }) => limit <= wanted)
    .reduce<StoredVariant | undefined>((a, b) => (a && a.limit > b.limit ? a : b), undefined)
  if (!found) throw new Error('a picture without its smallest variant')
  return found
}
