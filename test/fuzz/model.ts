import { type Answered, ask, type Person, type Request, type World } from './world.ts'

// The model knows which tweets and people must be there after each acknowledged request, and which must not.

type Tweet = { id: number; author: Person; text: string; isDeleted: boolean }

const SUCCESS = /^2/
const CHANGE = /^(PUT|DELETE) \/v1\/(?:users|tweets)\/\{id\}\/(follow|block|mute|like)$/
const MASTODON = /^POST \/api\/v1\/\w+\/\{\w+\}\/(un)?(follow|block|mute|favourite)$/
const FLAT = /^POST \/(un)?(follow|like)$/

type Change = { what: string; id: number; isOn: boolean }

/** A change that a successful request has made, in any of the APIs. */
function changeIn(line: string, { path, body }: Request): Change | undefined {
  const [, method, what] = CHANGE.exec(line) ?? []
  if (what) return { what, id: idIn(path), isOn: method === 'PUT' }
  const [, un, name] = MASTODON.exec(line) ?? []
  if (name) return { what: name === 'favourite' ? 'like' : name, id: idIn(path), isOn: !un }
  const [, not, flat] = FLAT.exec(line) ?? []
  if (!flat) return undefined
  return { what: flat, id: Number(Object.values(JSON.parse(String(body)))[0]), isOn: !not }
}

const idIn = (path: string) => Number(/\/(\d+)(?=\/|\?|$)/.exec(path)?.[1])

/** Ends sessions of the sender, or of everyone whose refresh token or password is used. */
const ENDS_SESSIONS = /logout|sessions|password|refresh|login|second-factor|email/

export function createModel(port: number, world: World) {
  const tweets = new Map<number, Tweet>()
  /** True and false are known; what two requests changed at once is not. */
  const facts = new Map<string, boolean | undefined>()
  const byId = (id: number) => world.people.find((person) => person.id === id)

  /** Takes in the answers to requests that were sent at once. */
  function observe(answered: Answered[]) {
    const changes = answered.flatMap(changesOf)
    const times = Map.groupBy(changes, ({ pair }) => pair)
    for (const { key, pair, value } of changes)
      facts.set(key, (times.get(pair)?.length ?? 0) > 1 ? undefined : value)
    // A block ends follows in both directions, one of which another request may have changed.
    for (const { key, pair } of changes)
      if (key.startsWith('block') && (times.get(pair)?.length ?? 0) > 1)
        for (const other of facts.keys()) if (other.endsWith(pair)) facts.set(other, undefined)
    for (const one of answered) {
      observeAccount(one)
      observeMade(one)
    }
  }

  function changesOf({ call, request, answer }: Answered) {
    const sender = world.senderOf(call)
    const change = SUCCESS.test(String(answer.status)) ? changeIn(call.line, request) : undefined
    if (!sender || !change) return []
    const { what, id, isOn } = change
    if (what === 'like') {
      const key = `like:${sender.id}>${id}`
      return [{ key, pair: key, value: isOn }]
    }
    const pair = `:${Math.min(sender.id, id)}-${Math.max(sender.id, id)}`
    // A new block deletes the follows between both.
    if (what === 'block' && isOn)
      for (const [a, b] of [
        [sender.id, id],
        [id, sender.id],
      ])
        facts.set(`follow:${a}>${b}${pair}`, false)
    return [{ key: `${what}:${sender.id}>${id}${pair}`, pair, value: isOn }]
  }

  /** Anything that may end a session or an account makes the model forget what it knows by them. */
  function observeAccount({ call, request, answer }: Answered) {
    const sender = world.senderOf(call)
    const target = byId(idIn(request.path))
    if (call.line.includes('/admin/') && answer.status < 300 && target) target.isPlain = false
    if (!sender) return
    if (call.line === 'DELETE /v1/users/me' && answer.status === 204) sender.isPlain = false
    if (ENDS_SESSIONS.test(call.line) && answer.status < 300)
      for (const person of world.people) if (person.token !== '') suspects.add(person)
  }

  const suspects = new Set<Person>()

  function observeMade({ call, request, answer }: Answered) {
    if (!SUCCESS.test(String(answer.status))) return
    const sender = world.senderOf(call)
    const body = answer.type.includes('json') && answer.text ? JSON.parse(answer.text) : {}
    world.note('cursor', body.nextCursor)
    world.note('cursor', body.sinceCursor)
    const isMedia = call.line === 'POST /v1/media' || call.line === 'POST /api/v2/media'
    if (isMedia) world.note('media', Number(body.id))
    const isTweet = call.line === 'POST /v1/tweets' || call.line === 'POST /api/v1/statuses'
    if (isTweet && sender && !request.headers['idempotency-key']) {
      const id = Number(body.id)
      world.note('tweet', id)
      tweets.set(id, { id, author: sender, text: body.text ?? '', isDeleted: false })
    }
    const isDeletion =
      (call.line.startsWith('DELETE ') && /tweets\/\{id\}$|statuses\/\{tweet\}$/.test(call.line)) ||
      call.line === 'POST /v1/admin/tweets/{id}/remove'
    const deleted = tweets.get(idIn(request.path))
    if (isDeletion && deleted) deleted.isDeleted = true
  }

  /** Says which deleted tweet a later answer shows. */
  function problemOf(text: string) {
    for (const shown of thingsIn(text)) {
      const tweet = tweets.get(Number(shown.id))
      if (tweet?.isDeleted && (shown.text || shown.content))
        return `shows tweet ${tweet.id}, which is deleted`
    }
    return undefined
  }

  const deletedNow = () => new Set([...tweets.values()].filter((one) => one.isDeleted))

  /** Compares what the service answers with what it has acknowledged. @throws Error */
  async function verify() {
    for (const person of world.people) if (person.isPlain) await verifyOf(person)
  }

  async function verifyOf(person: Person) {
    if (suspects.has(person) && !(await isSignedIn(person))) return
    const own = [...tweets.values()].filter(({ author }) => author === person)
    for (const { id, text, isDeleted } of own) {
      const found = await ask(port, `GET /v1/tweets/${id}`, undefined, person.token).catch(
        () => ({}),
      )
      if (isDeleted && found.text) throw new Error(`model: tweet ${id} is deleted and has a text`)
      if (!isDeleted && text !== '' && found.text !== text)
        throw new Error(`model: tweet ${id} has the text ${JSON.stringify(found.text)}`)
    }
    await verifyList(person, own)
    await verifyRelations(person)
    await verifyLikes(person)
  }

  const isSignedIn = ({ token }: Person) =>
    ask(port, 'GET /v1/users/me', undefined, token).then(
      () => true,
      () => false,
    )

  async function verifyList({ id, token }: Person, own: Tweet[]) {
    const listed = new Set<number>()
    for (let cursor: string | null = ''; cursor !== null; ) {
      const from: string = cursor && `&cursor=${cursor}`
      const page = await ask(port, `GET /v1/users/${id}/tweets?limit=100${from}`, undefined, token)
      for (const { id, deleted } of page.items) if (!deleted) listed.add(id)
      cursor = page.nextCursor
    }
    for (const tweet of own)
      if (listed.has(tweet.id) === tweet.isDeleted)
        throw new Error(
          `model: tweet ${tweet.id} is ${tweet.isDeleted ? '' : 'not '}in the list of its author`,
        )
  }

  async function verifyRelations({ id, token }: Person) {
    const lists: Record<string, string> = {
      ...{ follow: `/v1/users/${id}/following`, block: '/v1/users/me/blocks' },
      mute: '/v1/users/me/mutes',
    }
    for (const [relation, path] of Object.entries(lists)) {
      const { items } = await ask(port, `GET ${path}?limit=100`, undefined, token)
      const ids = new Set(items.map((item: { id: number }) => item.id))
      for (const other of world.people) {
        const pair = `:${Math.min(id, other.id)}-${Math.max(id, other.id)}`
        const known = facts.get(`${relation}:${id}>${other.id}${pair}`)
        if (known === undefined || !other.isPlain || isBlocked(id, other.id)) continue
        if (ids.has(other.id) !== known)
          throw new Error(`model: ${relation} of ${other.id} by ${id} is ${!known}, not ${known}`)
      }
    }
  }

  /** Lists differ in how much they show to people who are blocked. */
  const isBlocked = (a: number, b: number) =>
    facts.get(`block:${b}>${a}:${Math.min(a, b)}-${Math.max(a, b)}`) !== false &&
    facts.has(`block:${b}>${a}:${Math.min(a, b)}-${Math.max(a, b)}`)

  async function verifyLikes({ id, token }: Person) {
    for (const [key, known] of facts) {
      const [, liker, tweetId] = /^like:(\d+)>(\d+)$/.exec(key) ?? []
      const tweet = tweets.get(Number(tweetId))
      if (Number(liker) !== id || known === undefined || !tweet || tweet.isDeleted) continue
      const found = await ask(port, `GET /v1/tweets/${tweetId}`, undefined, token).catch(
        () => undefined,
      )
      // Blocks and suspensions hide the tweet.
      if (found && found.liked !== known)
        throw new Error(
          `model: the like of tweet ${tweetId} by ${id} is ${found.liked}, not ${known}`,
        )
    }
  }

  return { observe, problemOf, verify, deletedNow }
}

type Thing = { id?: unknown; text?: unknown; content?: unknown }

/** Every object in a JSON text. */
function thingsIn(text: string): Thing[] {
  const found: Thing[] = []
  const walk = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return
    if (!Array.isArray(value)) found.push(value)
    for (const each of Object.values(value)) walk(each)
  }
  if (/^[{[]/.test(text)) walk(JSON.parse(text))
  return found
}
