/**
 * How tweets get into a home timeline: merged when the timeline is read, or materialised as entries
 * when tweets are written. During a backfill (`filling`) both happen.
 */
export const DELIVERY = { merged: 0, filling: 1, materialised: 2 } as const
