import { type Static, Type } from 'typebox'
import { Id, Text, Timestamp } from '../../plugins/schemas.ts'
import { BEFORE_NFC } from '../../plugins/text.ts'

declare module 'fastify' {
  interface Resources {
    Media: Static<typeof Media>
  }
}

/** Code points after NFC. */
export const ALT_MAX = 1500

const Variant = Type.Object({
  url: Type.String({ format: 'uri' }),
  width: Type.Integer({ examples: [800] }),
  height: Type.Integer({ examples: [533] }),
})

export const Media = Type.Object(
  {
    id: Id,
    alt: Type.String({
      description: 'Says what the picture shows, for those who do not see it. Empty if not given.',
      examples: ['A kingfisher on a branch'],
    }),
    width: Type.Integer({ description: 'Of the largest variant, upright.', examples: [1600] }),
    height: Type.Integer({ examples: [1067] }),
    animated: Type.Boolean(),
    thumbhash: Type.String({
      description: 'A preview in 30 bytes, Base64: https://evanw.github.io/thumbhash/',
      examples: ['1QcSHQRnh493V4dIh4eXh1h4kJUI'],
    }),
    variants: Type.Object(
      { small: Variant, medium: Variant, large: Variant },
      {
        description:
          'WebP of at most 320, 800 and 1,600 pixels on the long side, never enlarged: of a small picture, several are the same file.',
      },
    ),
    createdAt: Timestamp,
  },
  { $id: 'Media', title: 'Media' },
)

export const AltText = Type.Object(
  { alt: Text({ maxLength: ALT_MAX * BEFORE_NFC, examples: ['A kingfisher on a branch'] }) },
  { additionalProperties: false },
)

export const SizeQuery = (pixels: string) =>
  Type.Object(
    {
      size: Type.Union([Type.Literal('small'), Type.Literal('medium'), Type.Literal('large')], {
        default: 'large',
        description: pixels,
      }),
    },
    { additionalProperties: false },
  )

const File = Type.Unsafe<string>({
  contentMediaType: 'application/octet-stream',
  description: 'JPEG, PNG, WebP, GIF or AVIF, up to 8 MB and 50 megapixels.',
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
      Type.String({ description: 'Up to 1,500 characters.', examples: ['A kingfisher'] }),
    ),
  }),
)
