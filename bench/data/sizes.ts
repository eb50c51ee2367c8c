export type Sizes = ReturnType<typeof sizesAt>

/** As in routes/timeline/config.ts: the service assumes these limits of existing rows. */
export const FANOUT_LIMIT = 10_000
export const TIMELINE_KEEP = 800

/** Numbers of followees of special readers, and of followers of special authors. */
export const FOLLOWEES = [10, 1_000, 5_000]
export const FOLLOWERS = [0, 1_000, 10_000, 100_000]

export const TWEETS = 2_000_000

/** Numbers of rows; use a `scale` below 1 to try out the bench itself. */
export function sizesAt(scale: number, tweets = TWEETS, loaded = Number.POSITIVE_INFINITY) {
  const scaled = (count: number) => Math.max(count && 1, Math.round(count * scale))
  const people = Math.max(100, scaled(20_000))
  return {
    scale,
    people,
    followees: Math.min(100, people / 5),
    /** Readers of each kind in FOLLOWEES, so that not all requests read the same rows. */
    readersOfAKind: 4,
    readers: FOLLOWEES.map((count) => Math.min(scaled(count) + 2, people / 4)),
    authors: FOLLOWERS.map(scaled),
    silent: Math.max(100, scaled(100_000)),
    tweets: Math.max(2_000, scaled(tweets)),
    /** Tweets of each author in FOLLOWERS. */
    tweetsOfAuthor: 20,
    likes: scaled(500_000),
    fanOutLimit: scaled(FANOUT_LIMIT),
    keep: TIMELINE_KEEP,
    /** Only readers up to this id have timelines and follows. */
    loaded,
  }
}

/**
 * Ids are assigned in this order: people, readers with unusually many or few followees, authors with
 * unusually many or few followers, and users who only follow these authors.
 */
export function idsOf(sizes: Sizes) {
  const firstReader = sizes.people + 1
  const firstAuthor = firstReader + sizes.readers.length * sizes.readersOfAKind
  const firstSilent = firstAuthor + sizes.authors.length
  return {
    firstReader,
    firstAuthor,
    firstSilent,
    users: firstSilent + sizes.silent - 1,
    /** The readers of a kind, by its index in FOLLOWEES. */
    readersOf: (kind: number) =>
      Array.from(
        { length: sizes.readersOfAKind },
        (_, n) => firstReader + kind * sizes.readersOfAKind + n,
      ),
    /** The author of a kind, by its index in FOLLOWERS. */
    authorOf: (kind: number) => firstAuthor + kind,
  }
}
