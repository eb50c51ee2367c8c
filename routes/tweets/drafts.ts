import createError from '@fastify/error'
import type { FastifyInstance } from 'birdhouse'
import type { TweetInputs } from 'fastify'

/** A tweet before it is written, with the inputs of extensions. */
export type Draft = TweetInputs & {
  authorId: number
  text: string
  /** A BCP 47 tag. */
  language?: string | undefined
  replyToId?: number | undefined
  /** Ids of the author's pictures that are in no tweet yet, in display order. */
  mediaIds?: number[] | undefined
}
/** Returns a replacement text or undefined. Throws an error with a status to reject the tweet. */
export type DraftHook = (draft: Readonly<Draft>) => Promise<{ text: string } | undefined>

/** Milliseconds per hook or input, since a client waits for the response. */
export const LIMIT = 2_000

export const CheckTimedOut = createError(
  'CHECK_TIMED_OUT',
  'Checking the tweet took too long; try again.',
  503,
)

/** Hooks that check a tweet before it is written, one after another; moderation, say. */
export function createDraftHooks(app: FastifyInstance) {
  const hooks: DraftHook[] = []

  /** Adds a hook. A hook that fails or takes longer than 2 s rejects the tweet. */
  const add = (hook: DraftHook) => void hooks.push(app.features.own(hook, LIMIT))

  /** @throws what a hook throws, CheckTimedOut */
  async function pass(draft: Draft) {
    let current = draft
    for (const hook of hooks) {
      const checked = await app.inTime(hook(current), LIMIT, () => new CheckTimedOut())
      current = { ...current, ...checked }
    }
    return current
  }

  return { add, pass }
}
