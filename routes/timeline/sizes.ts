/** How much is done at once. Tests pass smaller ones, so that a handful of rows takes every path. */
export const SIZES = {
  /**
   * Followers a statement of a fan-out, after which a killed job goes on: some 50 milliseconds of
   * work, and more than FANOUT_LIMIT is by default, so that one statement does for most.
   */
  chunk: 12_000,
  /**
   * Undelivered tweets that one statement looks through. When the workers are further behind than
   * that, what is older is merged.
   */
  backlog: 500,
  /**
   * Ids; a window holds at most as many tweets. The first is enough where the authors write much,
   * the last keeps a burst from being read whole.
   */
  windows: [1_000, 8_000, 64_000],
  /** Candidates at once from the second look on, when the first found too little to show. */
  more: 100,
  /** Entries of a reader that are remembered at first, and from when on they scroll. */
  ready: 60,
  deep: 1_000,
  /** Tweets of all authors since then, after which looking anew costs less than looking through. */
  later: 200,
  /** Tweets of a merged author that are remembered. */
  head: 200,
  /** Authors and ids up to which merging them into a page is one statement. */
  few: 100,
  stretch: 64_000,
  /** Authors a statement: MariaDB plans a longer IN as a join that reads whole histories. */
  listed: 500,
  /** Authors a statement where each has a branch of its own. */
  branches: 100,
  /** Ids looked for at once while rebuilding. */
  step: 100,
  /** Rows of a batch of readers, follows or entries. */
  batch: 500,
}
