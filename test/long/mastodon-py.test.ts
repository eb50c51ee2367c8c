import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { listening } from '../../extensions/mastodon/test/client.ts'
import { drained, signUp, tweet } from '../helper.ts'
import { plain } from '../multipart.ts'
import { codeAt, run, runs } from './clients.ts'

// Mastodon.py, the library of many bots, from Debian's package python3-mastodon.

const SCRIPT = join(import.meta.dirname, 'python_client.py')
/** Debian's own comes first, since its packages are not those of another one. */
const python = ['/usr/bin/python3', 'python3'].find((one) => runs(one, ['-c', 'import mastodon']))
const skip = python ? false : 'python3-mastodon is not installed'

t.test('Mastodon.py signs in, posts a picture, reacts and reads', { skip }, async (t) => {
  const server = await listening(t)
  const { app, url } = server
  const [ann, ben] = [await signUp(app, 'Ann'), await signUp(app, 'Ben')]
  await tweet(app, ben, 'Hello from Ben')
  const picture = join(t.testdir(), 'meadow.jpg')
  writeFileSync(picture, await plain())

  /** Runs when the script waits for a line. */
  const steps: Record<string, () => Promise<string | undefined>> = {
    authorize: () => codeAt(server, ann, asked.at(-1)?.split(' ')[1]),
    other: async () => ben.handle,
    followed: async () => {
      await drained(app)
      return 'on'
    },
    answered: async () => {
      await tweet(app, ben, `Yes @${ann.handle}`)
      await drained(app)
      return 'on'
    },
  }
  const asked: string[] = []
  const output = await run(t, python ?? '', [SCRIPT, url, picture], {
    answer: async (all) => {
      const lines = all.split('\n').slice(0, -1)
      if (lines.length === asked.length) return undefined
      asked.splice(0, asked.length, ...lines)
      return steps[lines.at(-1)?.split(' ')[0] ?? '']?.()
    },
  })
  t.match(output, /\ndone\n$/)
})
