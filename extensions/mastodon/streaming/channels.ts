import createError from '@fastify/error'
import type { FastifyInstance } from 'birdhouse'
import { includes } from '../oauth/scopes.ts'
import { assertScope } from '../oauth/tokens.ts'

const UnknownStream = createError('UNKNOWN_STREAM', 'Unknown stream', 400)
const MissingTag = createError('MISSING_TAG', 'This stream needs a tag', 400)

type Target = Parameters<FastifyInstance['live']['listen']>[1]

/** A stream that a client asks for by a name and perhaps a hashtag. */
export type Channel = {
  /** As messages name it. */
  stream: string[]
  /** Undefined for a stream that is always silent here, such as the one of other servers. */
  target?: Target
  hasStatuses: boolean
  hasNotifications: boolean
  onlyMedia?: boolean
}

const SILENT = ['direct', 'public:remote', 'public:remote:media']
const PUBLIC = ['public', 'public:local', 'public:media', 'public:local:media']
const TAGGED = ['hashtag', 'hashtag:local']

/** @throws UnknownStream, MissingTag, OutOfScope */
export function channelOf(name: string, tag: string | undefined, scopes: string[]): Channel {
  if (name === 'user:notification') {
    assertScope(scopes, 'read:notifications')
    return { stream: [name], target: 'home', hasStatuses: false, hasNotifications: true }
  }
  assertScope(scopes, 'read:statuses')
  const statuses = { hasStatuses: true, hasNotifications: false }
  if (name === 'user') {
    const hasNotifications = includes(scopes, 'read:notifications')
    return { stream: [name], target: 'home', hasStatuses: true, hasNotifications }
  }
  if (SILENT.includes(name)) return { stream: [name], ...statuses }
  if (PUBLIC.includes(name)) {
    const onlyMedia = name.endsWith(':media')
    return { stream: [name], target: 'public', ...statuses, onlyMedia }
  }
  if (!TAGGED.includes(name)) throw new UnknownStream()
  if (!tag) throw new MissingTag()
  return { stream: [name, tag], target: { tag }, ...statuses }
}
