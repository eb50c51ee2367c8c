import createError from '@fastify/error'
import { inTime } from '../../plugins/resources.ts'

/** A tweet before it is written. */
export type Draft = {
  authorId: number
  /** May be empty beside pictures. */
  text: string
  replyToId?: number | undefined
  /** Pictures of the author's that are in no tweet yet, in order. */
  mediaIds?: number[] | undefined
}
/** Returns the text to write instead, or nothing; to refuse, throws an error with a status. */
export type DraftHook = (draft: Readonly<Draft>) => Promise<{ text: string } | undefined>

/** Milliseconds one hook may take: someone is waiting for the answer. */
const LIMIT = 2_000

const CheckTimedOut = createError(
  'CHECK_TIMED_OUT',
  'Checking the tweet took too long; try again.',
  503,
)

/** What looks at a tweet before it is written: moderation, spam. One after the other. */
export function createDraftHooks() {
  const hooks: DraftHook[] = []

  /** Adds a hook. One that fails or takes longer than 2 s refuses the tweet: it may be needed. */
  const add = (hook: DraftHook) => void hooks.push(hook)

  /** @throws what a hook throws, CheckTimedOut */
  async function pass(draft: Draft) {
    let current = draft
    for (const hook of hooks) {
      const checked = await inTime(hook(current), LIMIT, () => new CheckTimedOut())
      current = { ...current, ...checked }
    }
    return current
  }

  return { add, pass }
}
