import { Type } from 'typebox'

export const AvatarQuery = Type.Object(
  {
    size: Type.Union([Type.Literal('small'), Type.Literal('medium'), Type.Literal('large')], {
      default: 'large',
      description: '48, 128 or 400 pixels.',
    }),
  },
  { additionalProperties: false },
)

/** Documents the multipart body; the stream itself is checked while it is read. */
export const AvatarUpload = {
  content: {
    'multipart/form-data': {
      schema: Type.Object({
        file: Type.Unsafe<string>({
          contentMediaType: 'application/octet-stream',
          description: 'JPEG, PNG, WebP, GIF or AVIF, up to 8 MB.',
        }),
      }),
    },
  },
}
