import type { Route } from './requests.ts'
import type { Schema } from './values.ts'

// Operations that the OpenAPI document leaves out: those of Mastodon's API and the web pages.

/** Each line: a method, a path with placeholders, and the fields of the query or body. `=form` sends a form. */
const HIDDEN = `
GET /api/v1/accounts/verify_credentials
GET /api/v1/accounts/lookup acct
GET /api/v1/accounts/search q limit resolve following
GET /api/v1/accounts/relationships id[]
GET /api/v1/accounts/{user}
GET /api/v1/accounts/{user}/statuses limit max_id min_id since_id exclude_replies only_media pinned
GET /api/v1/accounts/{user}/followers limit max_id
GET /api/v1/accounts/{user}/following limit max_id
GET /api/v1/statuses/{tweet}/favourited_by limit
GET /api/v1/statuses/{tweet}/reblogged_by limit
GET /api/v1/lists
GET /api/v1/instance
GET /api/v2/instance
GET /.well-known/nodeinfo
GET /.well-known/oauth-authorization-server
GET /nodeinfo/2.0
POST /api/v2/media file
GET /api/v1/media/{media}
PUT /api/v1/media/{media} description focus
GET /api/v1/notifications limit max_id types[] exclude_types[] account_id
GET /api/v1/notifications/unread_count
GET /api/v1/notifications/{tweet}
GET /api/v1/markers timeline[]
POST /api/v1/markers home
GET /api/v1/preferences
POST /api/v1/accounts/{user}/follow reblogs
POST /api/v1/accounts/{user}/unfollow
POST /api/v1/accounts/{user}/block
POST /api/v1/accounts/{user}/unblock
POST /api/v1/accounts/{user}/mute duration notifications
POST /api/v1/accounts/{user}/unmute
GET /api/v1/blocks limit max_id
GET /api/v1/mutes limit max_id
GET /api/v2/search q type limit offset resolve account_id
GET /api/v1/trends/tags limit
POST /api/v1/statuses status in_reply_to_id visibility media_ids[]
GET /api/v1/statuses/{tweet}
GET /api/v1/statuses/{tweet}/context
DELETE /api/v1/statuses/{tweet}
POST /api/v1/statuses/{tweet}/favourite
POST /api/v1/statuses/{tweet}/unfavourite
POST /api/v1/statuses/{tweet}/reblog
POST /api/v1/statuses/{tweet}/unreblog
POST /api/v1/statuses/{tweet}/bookmark
POST /api/v1/statuses/{tweet}/unbookmark
GET /api/v1/timelines/home limit max_id min_id since_id
GET /api/v1/timelines/public limit max_id local remote only_media
GET /api/v1/timelines/tag/{tag} limit max_id
GET /api/v1/favourites limit max_id
GET /api/v1/bookmarks limit max_id
GET /api/v1/apps/verify_credentials
POST /api/v1/apps client_name redirect_uris scopes website
GET /oauth/authorize client_id redirect_uri response_type scope state code_challenge
POST /oauth/authorize=form client_id redirect_uri response_type scope email password code consent decision
POST /oauth/token=form grant_type client_id client_secret code redirect_uri scope code_verifier
POST /oauth/revoke=form client_id client_secret token
GET / cursor
GET /@{handle} cursor
GET /@{handle}/{tweet}
GET /tags/{tag} cursor
GET /web/style.css
GET /join
GET /sign-in return_to
GET /password/forgotten
POST /password/forgotten=form token email
GET /password/new
POST /password/new=form token mailToken newPassword
POST /sign-in=form token email password code return_to
POST /sign-out=form token
GET /latest cursor
GET /notifications cursor
GET /bookmarks cursor
POST /tweets/{tweet}/delete=form token
POST /notifications/read=form token
POST /join=form name email password handle invitation acceptedTerms return_to
GET /nope
POST /@{handle}/block=form token return_to
POST /@{handle}/report=form token category text
POST /@{handle}/{tweet}/report=form token category text
GET /settings
GET /settings/profile
POST /settings/profile=form token name handle profile
GET /settings/email
POST /settings/email=form token once email password code
POST /settings/email/confirm=form token once mailToken
POST /settings/password=form token once password newPassword code
GET /settings/sessions cursor
POST /settings/sessions/{id}/end=form token once
GET /settings/second-factor
POST /settings/second-factor/start=form token once password code
POST /settings/second-factor/confirm=form token once url code endOthers
GET /settings/blocked cursor
GET /settings/muted cursor
GET /settings/archive
GET /settings/archive/{id}
POST /settings/delete=form token once password code
GET /docs
GET /openapi.json
`

const LISTS = /\[\]$/
const textual: Schema = { type: 'string' }

const schemaOf = (field: string): Schema =>
  LISTS.test(field) ? { type: 'array', items: textual } : textual

function parse(line: string): Route {
  const [method = '', target = '', ...fields] = line.split(' ')
  const [path = '', form] = target.split('=')
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  const parameters = inPath.map((name) => ({ in: 'path', name, schema: textual }))
  if (method === 'GET') {
    const query = fields.map((name) => ({ in: 'query', name, schema: schemaOf(name) }))
    return { line: `GET ${path}`, parameters: [...parameters, ...query] }
  }
  const isFile = fields[0] === 'file'
  const type = isFile
    ? 'multipart/form-data'
    : form
      ? 'application/x-www-form-urlencoded'
      : 'application/json'
  const properties = Object.fromEntries(
    fields.map((name) => [name.replace(LISTS, ''), schemaOf(name)]),
  )
  const content = { [type]: { schema: { type: 'object', properties } } }
  return {
    line: `${method} ${path}`,
    parameters,
    ...(fields.length > 0 && { requestBody: { content } }),
  }
}

const hidden = HIDDEN.trim().split('\n').map(parse)

type Document = { paths: Record<string, Record<string, Omit<Route, 'line'>>> }

/** Every operation of the service: those of its document, and the others. */
export const operationsIn = ({ paths }: Document): Route[] => [
  ...Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      line: `${method.toUpperCase()} ${path}`,
    })),
  ),
  ...hidden,
]

/** True if the operation takes the tokens of Mastodon's API. */
export const isMastodon = (line: string) => / \/(api|oauth)\//.test(line)
