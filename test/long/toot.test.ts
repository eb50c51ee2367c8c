import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { listening } from '../../extensions/mastodon/test/client.ts'
import { drained, relate, signUp, tweet } from '../helper.ts'

// Debian's client for the command line, as it is.

function isInstalled() {
  try {
    return execFileSync('toot', ['--version']).length > 0
  } catch {
    return false
  }
}

t.test('toot signs in, posts and reads', { skip: !isInstalled() }, async (t) => {
  const { app, url, post, signIn } = await listening(t)
  const { host } = new URL(url)
  const ann = await signUp(app, 'Ann')
  const ben = await signUp(app, 'Ben')
  const env = { ...process.env, XDG_CONFIG_HOME: t.testdir(), PYTHONUNBUFFERED: '1' }

  /** Runs the client; `answer` types a line when the output matches. */
  async function toot(args: string[], answer?: (output: string) => Promise<string | undefined>) {
    const child = spawn('toot', [...args, '--no-color'], { env })
    let output = ''
    const read = async (chunk: Buffer) => {
      output += chunk
      const line = await answer?.(output)
      if (line !== undefined) child.stdin.write(`${line}\n`)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    const [status] = await once(child, 'close')
    t.equal(status, 0, `${args.join(' ')}: ${output}`)
    return output
  }

  /** The person opens the address, signs in and allows the app; the code is on the page. */
  async function codeAt(address: string) {
    const fields = Object.fromEntries(new URL(address).searchParams)
    const consent = await signIn(ann, fields)
    const page = await (await post('/oauth/authorize', { ...consent, decision: 'allow' })).text()
    return /<code>(.*)<\/code>/.exec(page)?.[1]
  }

  let isAsked = false
  await toot(['login', '--disable-https', '-i', host], async (output) => {
    if (output.endsWith('[Y/n]')) return 'n'
    if (!output.endsWith('Authorization code: ') || isAsked) return undefined
    isAsked = true
    return codeAt(/http\S+authorize\S+/.exec(output)?.[0] ?? '')
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
