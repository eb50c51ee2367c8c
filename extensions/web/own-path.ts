/** A host that no link names. */
const HERE = 'http://here.invalid'
/** Characters of a path, at most; the request of an app for consent is the longest. */
export const LONGEST_PATH = 8000

/** The path of this server that a form or link asks to return to; any other address becomes `/`. */
export function ownPath(asked: string | undefined) {
  if (!asked?.startsWith('/') || asked.length > LONGEST_PATH || !URL.canParse(asked, HERE))
    return '/'
  const { origin, pathname, search, hash } = new URL(asked, HERE)
  // A path such as `/.//evil.example` becomes `//evil.example`, which names a host.
  return origin === HERE && !pathname.startsWith('//') ? pathname + search + hash : '/'
}

/** The path of a page that leads on to another path. */
export const pathBack = (page: string, to: string) =>
  to === '/' ? page : `${page}?${new URLSearchParams({ return_to: to })}`
