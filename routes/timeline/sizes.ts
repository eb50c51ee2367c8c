/** Batch sizes and limits of the timeline. Tests pass small values, so that a few rows take every path. */
export const SIZES = {
  /**
   * Followers per INSERT of a fan-out. A killed job resumes after the last committed statement. One
   * statement takes some 50 ms and, being above the default FANOUT_LIMIT, serves most tweets.
   */
  followersPerStatement: 12_000,
  /**
   * Widths, in ids, of the windows that a merge searches from the newest id down. A window holds at most
   * as many tweets as ids: the first serves prolific authors, the last bounds a burst.
   */
  idWindows: [1_000, 8_000, 64_000],
  /** Rows per retry, when the rows read so far include too few that may be shown. */
  rowsPerRetry: 100,
  /** Entries cached per reader for the first pages, and once the reader scrolls beyond them. */
  cachedEntries: 60,
  cachedEntriesScrolling: 1_000,
  /** Tweets written since a timeline was cached, above which the timeline is read again. */
  maxRecentTweets: 200,
  /** Tweets cached per merged author. */
  cachedTweetsPerAuthor: 200,
  /** Merged authors, and ids, up to which one prepared statement merges them into a page. */
  maxMergedAuthors: 100,
  maxMergedIdRange: 64_000,
  /** Authors per IN list: MariaDB plans a longer list as a join that reads whole histories. */
  authorsPerInList: 500,
  /** Authors per UNION, in which each author has a branch. */
  authorsPerUnion: 100,
  /** Tweet ids per step of a rebuild. */
  idsPerRebuildStep: 100,
  /** Rows per batch of readers, follows or entries. */
  rowsPerBatch: 500,
}
