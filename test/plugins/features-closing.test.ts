import t from 'tap'
import { build } from '../../app.ts'
import { extensionFolders, index } from '../extension-folder.ts'
import { settings } from '../helper.ts'

const forever = 'new Promise(() => {})'
const HOOKS = {
  'onClose that never ends': `'onClose', async () => ${forever}`,
  'onClose that never calls done': "'onClose', (instance, done) => {}",
  'onClose that throws': "'onClose', async () => { throw new Error('stuck') }",
  'preClose that never ends': `'preClose', async () => ${forever}`,
}

t.jobs = 4
const env = await settings(t)
const extension = extensionFolders(t)

for (const [i, [what, hook]] of Object.entries(Object.entries(HOOKS))) {
  t.test(`${what} is named, and the app closes`, { buffered: true }, async (t) => {
    const name = `lingering-${i}`
    const files = { 'index.js': index(`app.addHook(${hook})`) }
    const app = await build({ ...env, EXTENSIONS: extension(name, files) })
    const logged = t.capture(app.log, 'error')
    await app.close()
    t.match(logged.args(), [[{ owner: name }, 'an extension was not closed']])
  })
}

t.test('a hook that ends leaves nothing to log', { buffered: true }, async (t) => {
  const body = `
    app.addHook('onClose', (instance, done) => setImmediate(done))
    app.addHook('onClose', async (instance) => instance.tweets.get.name)`
  const EXTENSIONS = extension('leaving', { 'index.js': index(body) })
  const app = await build({ ...env, EXTENSIONS })
  const logged = t.capture(app.log, 'error')
  await app.close()
  t.strictSame(logged.args(), [])
})
