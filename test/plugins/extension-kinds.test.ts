import t from 'tap'
import { extensionFolders, index, refusals, service } from '../extension-folder.ts'
import { settings } from '../helper.ts'

// Kinds of notifications and live events that stop the boot.

const extension = extensionFolders(t)
const refusal = refusals(await settings(t))
const ALL = ['live.service', 'notifications.service']
const kind = "app.notifications.addKind('like', { description: 'Again.' })"
const event = (schema: string) =>
  `app.live.addEvent('cuckoo', { description: 'a call', schema: ${schema}, read: async () => new Map() })`
const early = (name: string, body: string) =>
  extension(name, { 'service.js': service(body, name, ALL) })
const late = (name: string, body: string) => extension(name, { 'index.js': index(body) })

t.test('a kind that is taken or late stops the boot', async (t) => {
  t.match(await refusal(t, [early('same', kind)]), 'Extension same: The kind like is taken; choose')
  t.match(await refusal(t, [late('late', kind)]), 'Extension late: The kind like is added too late')
})

t.test('a live event that is taken, late or has a wrong schema stops the boot', async (t) => {
  const twice = await refusal(t, [early('twice', `${event('{}')}\n${event('{}')}`)])
  t.match(twice, 'Extension twice: The live event cuckoo is taken; choose another name.')
  const lately = await refusal(t, [late('lately', event('{}'))])
  t.match(lately, 'Extension lately: The live event cuckoo is added too late')
  const wrong = await refusal(t, [early('wrong', event("schemas.ref('Nest')"))])
  t.match(wrong, /^Extension wrong: .*Nest/)
})
