import type { FastifyInstance, Tx } from 'birdhouse'
import type { TweetInputs } from 'fastify'
import { type TSchema, Type } from 'typebox'
import { CheckTimedOut, type Draft, LIMIT } from './drafts.ts'
import { NewTweet } from './schemas.ts'

declare module 'fastify' {
  /** Fields of `POST /v1/tweets` that extensions add, all optional. */
  interface TweetInputs {}
}

export type TweetInput<Value> = {
  schema: TSchema
  /** Called in the transaction that writes the tweet, when the field is sent. An error rejects the tweet. */
  write: (tx: Tx, tweet: { tweetId: number; authorId: number; value: Value }) => Promise<void>
}

/** Fields that extensions add to the body of `POST /v1/tweets`. */
export function createTweetInputs(app: FastifyInstance) {
  const inputs = new Map<string, TweetInput<never>>()
  let isSealed = false

  /**
   * Adds an optional field to the body of `POST /v1/tweets` and to drafts.
   * @throws Error when the name is taken, the schema does not compile or the routes are loaded already
   */
  function add<Name extends keyof TweetInputs & string>(
    name: Name,
    { schema, write }: TweetInput<NonNullable<TweetInputs[Name]>>,
  ) {
    if (isSealed)
      throw new Error(`The input ${name} is added too late; add it in service, not in index.`)
    if (name === 'authorId' || name in NewTweet.properties || inputs.has(name))
      throw new Error(`The input ${name} of a tweet is taken; choose another name.`)
    // Fastify would name the route instead of the extension.
    app.validatorCompiler?.({ schema, method: 'POST', url: '/v1/tweets', httpPart: 'body' })
    inputs.set(name, { schema, write: app.features.own(write, LIMIT) })
  }

  /** The schema of `NewTweet` with all inputs; none can be added afterwards. */
  function bodySchema(): typeof NewTweet {
    isSealed = true
    const added = [...inputs].map(([name, { schema }]) => [name, Type.Optional(schema)])
    return Type.Object(
      { ...NewTweet.properties, ...Object.fromEntries(added) },
      { additionalProperties: false },
    )
  }

  /** @throws what an input throws, CheckTimedOut */
  async function write(tx: Tx, tweetId: number, draft: Draft) {
    for (const [name, input] of inputs) {
      // `add` ties the name of an input to the type of its value.
      const value = Reflect.get(draft, name) as never
      if (value === undefined) continue
      const writing = input.write(tx, { tweetId, authorId: draft.authorId, value })
      await app.inTime(writing, LIMIT, () => new CheckTimedOut())
    }
  }

  return { add, bodySchema, write }
}
