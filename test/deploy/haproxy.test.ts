import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { setUp } from '../helper.ts'
import { operationsOf } from '../undocumented.ts'

/** Their requests wait for a hash, a client or an event; uploads are told apart by their type. */
const LONG = new Set<unknown>(['login', 'sign-up', 'stream'])
/** Paths with such classes that are not in the document. */
const HIDDEN = ['/sign-in', '/join', '/api/v1/apps', '/api/v1/streaming/user']

const file = join(import.meta.dirname, '../../deploy/haproxy/haproxy.cfg')
const rules = [...readFileSync(file, 'utf8').matchAll(/^ {2}acl long (path\S*) (.+)$/gm)]

const MATCHES: Record<string, (path: string, word: string) => boolean> = {
  path: (path, word) => path === word,
  path_beg: (path, word) => path.startsWith(word),
  path_end: (path, word) => path.endsWith(word),
}
const isLong = (path: string) =>
  rules.some(([, how = '', words = '']) =>
    words.split(' ').some((word) => MATCHES[how]?.(path, word)),
  )

t.test('HAProxy keeps no place for milliseconds for requests that take seconds', async (t) => {
  const app = await setUp(t)
  for (const path of HIDDEN)
    t.ok(
      app.routesAt(path).some(({ route }) => LONG.has(route.config?.limit)),
      path,
    )
  const paths = operationsOf(app)
    .filter((operation) => LONG.has((operation as Record<string, unknown>)['x-rate-limit']))
    .map(({ route }) => route.split(' ')[1] ?? '')
  t.ok(paths.length > 4)
  t.strictSame(
    [...paths, ...HIDDEN].filter((path) => !isLong(path)),
    [],
  )
  t.notOk(isLong('/v1/timeline'))
})
