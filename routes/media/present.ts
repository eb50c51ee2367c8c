import type { FastifyInstance } from 'birdhouse'
import type { InferSelectModel } from 'drizzle-orm'
import { mediaObject } from './objects.ts'
import { VARIANT_SIZES } from './pictures/index.ts'
import type { media, StoredVariant } from './tables.ts'

export type Row = Omit<InferSelectModel<typeof media>, 'ownerId' | 'tweetId' | 'position' | 'bytes'>

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

/** A variant that was not made has the URL of the next smaller variant. */
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
      small: variant(VARIANT_SIZES.small),
      medium: variant(VARIANT_SIZES.medium),
      large: variant(VARIANT_SIZES.large),
    },
    createdAt: row.createdAt.toISOString(),
  }
}

function fitting(variants: StoredVariant[], wanted: number) {
  const found = variants
    .filter(({ limit }) => limit <= wanted)
    .reduce<StoredVariant | undefined>((a, b) => (a && a.limit > b.limit ? a : b), undefined)
  if (!found) throw new Error('The picture has no smallest variant.')
  return found
}
