import { Cursor, PageOf, PageQuery, ref } from 'birdhouse/schemas'
import { Type } from 'typebox'

export const TimelineQuery = Type.Object(
  {
    ...PageQuery.properties,
    since: Type.Optional({
      ...Cursor,
      description:
        'Any cursor of this timeline; the page shows newer tweets only. The page may repeat tweets that you have, but misses none.',
    }),
  },
  { additionalProperties: false },
)

export const TimelinePage = Type.Object({
  ...PageOf(ref('Tweet')).properties,
  sinceCursor: Type.String({ description: 'Pass it as `since` to refresh.' }),
})
