import t from 'tap'
import { readRedisUrl } from '../../plugins/config/redis-url.ts'
import { build, settings } from '../testing.ts'

t.test('the parts of a REDIS_URL are decoded', async (t) => {
  const cases: [string, object][] = [
    ['redis://host', { host: 'host', port: 6379, db: 0 }],
    ['redis://host:6380/3', { host: 'host', port: 6380, db: 3 }],
    ['redis://[::1]:6380/', { host: '::1', port: 6380, db: 0 }],
    ['redis://:p%2F%23%25@host', { host: 'host', port: 6379, db: 0, password: 'p/#%' }],
    [
      'rediss://me:p@ss@host:6380/1\n',
      { host: 'host', port: 6380, db: 1, username: 'me', password: 'p@ss', tls: {} },
    ],
  ]
  for (const [url, options] of cases) t.strictSame(readRedisUrl(url), options, url)
})

t.test('a wrong REDIS_URL stops the start before the database is touched', async (t) => {
  const cases: Record<string, RegExp> = {
    'http://me:hunter2@host': /set it to redis:/,
    '/run/redis.sock': /set it to redis:/,
    'redis://': /host or port/,
    'redis://me:hunter2@host:0': /host or port/,
    'redis://me:hunter2@host:65536': /host or port/,
    'redis://me:hunter2@host/cache': /number of a database/,
    'redis://me:hunter2@host/0?keyPrefix=x&tls=hunter2': /remove keyPrefix, tls;/,
    'redis://me:hunter2@host?family=6': /remove family;/,
    'redis://me:hunter2#1@host': /percent-encode/,
    'redis://me:12/hunter2@host': /percent-encode/,
    'redis://me:12?hunter2@host': /percent-encode/,
    'redis://me:hunter2%zz@host': /percent-encode/,
  }
  const env = await settings(t)
  for (const [REDIS_URL, expected] of Object.entries(cases)) {
    const DATABASE_URL = 'mysql://nobody@127.0.0.1:1/nothing'
    const error = await t.rejects(build({ ...env, DATABASE_URL, REDIS_URL }), REDIS_URL)
    const [, line, ...more] = (error as Error).message.split('\n')
    t.match(line, /^- REDIS_URL: /)
    t.match(line, expected)
    t.notMatch(line, /hunter2/)
    t.same(more, [])
  }
})
