import { BEFORE_NFC, Id, Text, Timestamp } from 'birdhouse/schemas'
import { type Static, Type } from 'typebox'
import { VARIANT_SIZES } from './pictures/index.ts'
import { AVIF_MEGAPIXELS, FRAMES, LONGEST_SIDE, MEGAPIXELS } from './pictures/limits.ts'

declare module 'fastify' {
  interface Resources {
    Media: Static<typeof Media>
  }
}

/** Unicode code points of an alternative text, after NFC. */
export const ALT_MAX = 1500

const format = (number: number) => number.toLocaleString('en')
const { small, medium, large } = VARIANT_SIZES

const Variant = Type.Object({
  url: Type.String({ format: 'uri' }),
  width: Type.Integer({ examples: [800] }),
  height: Type.Integer({ examples: [533] }),
})

export const Media = Type.Object(
  {
    id: Id,
    alt: Type.String({
      description: 'Alternative text: what the picture shows. Empty if not set.',
      examples: ['A kingfisher on a branch'],
    }),
    width: Type.Integer({
      description: 'Pixels of the largest variant, upright.',
      examples: [1600],
    }),
    height: Type.Integer({ examples: [1067] }),
    animated: Type.Boolean(),
    thumbhash: Type.String({
      description: 'A preview of some 25 bytes in Base64: https://evanw.github.io/thumbhash/',
      examples: ['1QcSHQRnh493V4dIh4eXh1h4kJUI'],
    }),
    variants: Type.Object(
      { small: Variant, medium: Variant, large: Variant },
      {
        description: `WebP with at most ${small}, ${medium} and ${format(large)} pixels on the long side, never enlarged. Several variants of a small picture are the same file.`,
      },
    ),
    createdAt: Timestamp,
  },
  { $id: 'Media', title: 'Media' },
)

export const MediaUsage = Type.Object({
  pictures: Type.Integer({ examples: [12] }),
  bytes: Type.Integer({
    description: 'Bytes as stored; a picture from before 0.3.0 counts as 0.',
    examples: [4_100_000],
  }),
  quota: Type.Integer({ description: 'The most bytes.', examples: [2_000_000_000] }),
})

export const AltText = Type.Object(
  { alt: Text({ maxLength: ALT_MAX * BEFORE_NFC, examples: ['A kingfisher on a branch'] }) },
  { additionalProperties: false },
)

export const SizeQuery = (widths: Record<'small' | 'medium' | 'large', number>) =>
  Type.Object(
    {
      size: Type.Union([Type.Literal('small'), Type.Literal('medium'), Type.Literal('large')], {
        default: 'large',
        description: `${widths.small}, ${widths.medium} or ${format(widths.large)} pixels wide.`,
      }),
    },
    { additionalProperties: false },
  )

const File = Type.Unsafe<string>({
  contentMediaType: 'application/octet-stream',
  description: `JPEG, PNG, WebP, GIF or AVIF; at most 8 MB, ${MEGAPIXELS} megapixels (AVIF: ${AVIF_MEGAPIXELS}) and ${format(LONGEST_SIDE)} pixels on a side; an animation of at most ${FRAMES} frames and 50 megapixels in all frames together.`,
})

/** Documents a multipart body; the stream itself is checked while it is read. */
const multipart = <Fields extends Type.TSchema>(schema: Fields) => ({
  content: { 'multipart/form-data': { schema } },
})

export const PictureUpload = multipart(Type.Object({ file: File }))

export const MediaUpload = multipart(
  Type.Object({
    file: File,
    alt: Type.Optional(
      Type.String({
        description: `At most ${format(ALT_MAX)} characters.`,
        examples: ['A kingfisher'],
      }),
    ),
  }),
)
