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
  /** Followees remembered with a cached timeline; with more, new tweets are checked in the database. */
  maxFollowees: 1_000,
  /** Rows cached per reader for the first page, per step of a reader who scrolls, and at most. */
  cachedRows: 31,
  rowsPerExtension: 200,
  maxCachedRows: 1_000,
  /** Tweets by followees to check in the database, above which a cached timeline is read again. */
  maxRecentTweets: 1_000,
  /** Recent tweets whose authors one request reads, 128 a statement, above which it reads its timeline again. */
  maxUnreadTweets: 1_000,
  /** Merged authors up to which one statement merges them into a page, and ids in which it searches ranges. */
  maxMergedAuthors: 50,
  maxMergedIdRange: 64_000,
  /** Authors per IN list: MariaDB plans a longer list as a join that reads whole histories. */
  authorsPerInList: 500,
  /** Authors per UNION, each with a branch. Drizzle nests branches, and MariaDB allows some 60 levels. */
  authorsPerUnion: 50,
  /** Tweet ids per step of a rebuild. */
  idsPerRebuildStep: 100,
  /** Rows per batch of readers, follows or entries. */
  rowsPerBatch: 500,
}
