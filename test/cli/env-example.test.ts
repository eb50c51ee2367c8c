import { readFileSync } from 'node:fs'
import t from 'tap'
import { envExample, FILE } from '../../cli/env-example.ts'

t.test('.env.example has every setting of the kernel and of the features', async (t) => {
  const text = await envExample()
  t.match(text, /^# mysql:.*\n# Default: embedded\n# DATABASE_URL=$/m)
  t.match(text, /^# TIMELINE_KEEP=800$/m, "a feature's own setting")
  t.match(text, /^# LIVE_KEEP_HOURS=24$/m, "an extension's own setting")
  t.equal(
    readFileSync(FILE, 'utf8'),
    text,
    'the file is up to date; npm run env:example writes it again',
  )
})
