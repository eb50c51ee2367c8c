/** Parts of a scope such as `read:accounts`. */
const PARTS = {
  read: 'accounts blocks bookmarks favourites filters follows lists mutes notifications search statuses',
  write:
    'accounts blocks bookmarks conversations favourites filters follows lists media mutes notifications reports statuses',
}
const FOLLOW = ['blocks', 'follows', 'mutes']

const WORDS: Record<string, string> = {
  read: 'read everything that you see here, your notifications and bookmarks included',
  write: 'post, like, follow, block and change your profile in your name',
  follow: 'see and change whom you follow, block and mute',
  push: 'ask for push notifications',
  profile: 'see your name and your pictures',
}

const KNOWN = new Set([
  ...Object.keys(WORDS),
  ...Object.entries(PARTS).flatMap(([kind, parts]) =>
    parts.split(' ').map((part) => `${kind}:${part}`),
  ),
])

export const DEFAULT_SCOPES = 'read'
export const ALL_SCOPES = [...KNOWN]

/** Scopes are separated by spaces; some clients send plus signs or commas. */
export const scopesOf = (text: string) => [...new Set(text.split(/[\s+,]+/).filter(Boolean))]

export const areKnown = (scopes: string[]) => scopes.every((scope) => KNOWN.has(scope))

/** True if these scopes, those of an app or of a token, include the wanted one. */
export function includes(scopes: string[], wanted: string) {
  const [kind = '', part = ''] = wanted.split(':')
  if (scopes.includes(wanted) || scopes.includes(kind)) return true
  if (wanted === 'profile') return scopes.includes('read:accounts')
  return FOLLOW.includes(part) && scopes.includes('follow')
}

/** Says in words what a scope allows. */
export function inWords(scope: string) {
  const [kind, part] = scope.split(':')
  if (part === undefined) return WORDS[scope] ?? scope
  return kind === 'read' ? `see your ${part}` : `change your ${part}`
}
