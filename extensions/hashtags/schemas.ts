import { BEFORE_NFC } from 'birdhouse/schemas'
import { Type } from 'typebox'

/** Code points of a tag and its sign. */
const TAG_MAX = 101

export const TagParams = Type.Object(
  {
    tag: Type.String({
      minLength: 1,
      maxLength: TAG_MAX * BEFORE_NFC,
      description:
        'Percent-encoded, in any case, with or without `#`: `%EC%83%88`, `Birds`, `%23birds`.',
      examples: ['birds'],
    }),
  },
  { additionalProperties: false },
)

export const TrendingQuery = Type.Object(
  { limit: Type.Integer({ minimum: 1, maximum: 50, default: 10 }) },
  { additionalProperties: false },
)

export const Trending = Type.Object({
  items: Type.Array(
    Type.Object({
      tag: Type.String({ description: 'The spelling that was written first.', examples: ['새'] }),
      authors: Type.Integer({ description: 'Number of people who used the tag.', examples: [12] }),
    }),
  ),
})

export const MutedTag = (Timestamp: Type.TString) =>
  Type.Object({
    tag: Type.String({ description: 'The spelling that you muted.', examples: ['새'] }),
    mutedAt: Timestamp,
  })
