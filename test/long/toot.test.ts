import t from 'tap'
import { listening } from '../../extensions/mastodon/test/client.ts'
import { drained, relate, signUp, tweet } from '../helper.ts'
import { codeAt, run, runs } from './clients.ts'

// Debian's client for the command line, as it is.

const skip = runs('toot', ['--version']) ? false : 'toot is not installed'

t.test('toot signs in, posts and reads', { skip }, async (t) => {
  const server = await listening(t)
  const { app, url } = server
  const { host } = new URL(url)
  const ann = await signUp(app, 'Ann')
  const ben = await signUp(app, 'Ben')
  const env = { XDG_CONFIG_HOME: t.testdir() }
  const toot = (args: string[], answer?: (output: string) => Promise<string | undefined>) =>
    run(t, 'toot', [...args, '--no-color'], { env, answer })

  let isAsked = false
  await toot(['login', '--disable-https', '-i', host], async (output) => {
    if (output.endsWith('[Y/n]')) return 'n'
    if (!output.endsWith('Authorization code: ') || isAsked) return undefined
    isAsked = true
    return codeAt(server, ann, /http\S+authorize\S+/.exec(output)?.[0])
  })
  t.match(await toot(['whoami']), `@${ann.handle}`)
  t.match(await toot(['post', 'Posted by toot']), 'Toot posted')
  await relate(app, ann, 'follow', ben)
  await tweet(app, ben, 'Hello from Ben')
  await drained(app)
  const timeline = await toot(['timeline', '--once'])
  t.match(timeline, 'Posted by toot')
  t.match(timeline, 'Hello from Ben')
  t.match(await toot(['search', ben.handle]), `@${ben.handle}`)
  t.match(await toot(['mute', ben.handle]), 'muted')
  await toot(['notifications'])
})
