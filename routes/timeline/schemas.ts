import { Type } from 'typebox'
import { Cursor, PageOf, PageQuery } from '../../plugins/pagination.ts'
import { ref } from '../../plugins/schemas.ts'

export const TimelineQuery = Type.Object(
  {
    ...PageQuery.properties,
    since: Type.Optional({
      ...Cursor,
      description:
        'Any cursor of this timeline: only what came after it. It may repeat what you have, and misses nothing.',
    }),
  },
  { additionalProperties: false },
)

export const TimelinePage = Type.Object({
  ...PageOf(ref('Tweet')).properties,
  sinceCursor: Type.String({ description: 'Pass it as `since` to pull to refresh.' }),
})
