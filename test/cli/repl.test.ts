import t from 'tap'
import { settings, setUp } from '../helper.ts'
import { birdhouse } from './birdhouse.ts'

t.test(
  'a line that is piped into the prompt uses the app, and the end of input closes it',
  async (t) => {
    const env = await settings(t)
    await setUp(t, env)
    const input = 'await app.db.execute("SELECT 6 * 7 AS answer")\n'
    t.match(await birdhouse('repl', { env, input }), { code: 0, out: 'answer: 42' })
  },
)
