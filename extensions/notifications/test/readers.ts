import type { FastifyInstance } from 'birdhouse'
import { call, drained, read, readAll, signUp, type User } from 'birdhouse/testing'

export type Shown = {
  id: number
  kind: string
  tweet: { id: number } | null
  people: { id: number }[]
  peopleCount: number
  latestId: number
  read: boolean
}

/** Questions that tests ask about notifications. */
export function createReaders(app: FastifyInstance) {
  /** As many users as names. */
  async function people<Names extends string[]>(...names: Names) {
    const users = await Promise.all(names.map((name) => signUp(app, name)))
    return users as { [Place in keyof Names]: User }
  }

  async function listOf(user: User, query = ''): Promise<Shown[]> {
    await drained(app)
    return readAll(app, `/v1/notifications${query}`, user, 2)
  }

  /** As `kind of tweet by newest, older`. */
  const brief =
    (user: User, names: Map<number, string> = new Map()) =>
    async () =>
      (await listOf(user)).map(
        ({ kind, tweet: about, people: by, peopleCount }) =>
          `${kind} ${about?.id ?? '-'} ${by.map(({ id }) => names.get(id) ?? id)} ${peopleCount}`,
      )

  const unreadOf = async (user: User) =>
    (await read(app, '/v1/users/me', user)).unreadNotificationCount

  const markRead = (user: User, upTo?: number) =>
    call(app, 'PUT /v1/notifications/read', { as: user, body: upTo ? { upTo } : {} })

  return { people, listOf, brief, unreadOf, markRead }
}
