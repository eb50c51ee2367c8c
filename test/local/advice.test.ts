import { createServer } from 'node:net'
import { test } from 'tap'
import { migrate } from '../../db/migrate.ts'
import { adviseDatabase, adviseStart } from '../../local/advice.ts'
import { connectionOptions } from '../../plugins/db/connection-options.ts'
import { settings } from '../helper.ts'

const advice = (url: URL) =>
  migrate(connectionOptions({ DATABASE_URL: url.href })).then(
    () => 'connected',
    (error) => (adviseDatabase(error) as Error).message,
  )

test('each connection failure says what is wrong with DATABASE_URL', async (t) => {
  const { DATABASE_URL = '' } = await settings(t)
  const changed = (parts: Partial<URL>) => Object.assign(new URL(DATABASE_URL), parts)
  const hangsUp = createServer((socket) => socket.end())
  await new Promise<void>((resolve) => hangsUp.listen(0, '127.0.0.1', resolve))
  t.teardown(() => hangsUp.close())
  const address = hangsUp.address()
  const port = typeof address === 'object' && address ? String(address.port) : ''

  t.match(await advice(changed({ port: '1' })), /^Nothing answers at .*DATABASE_URL/)
  t.match(await advice(changed({ port })), /^The database of DATABASE_URL closes the connection/)
  t.match(await advice(changed({ hostname: 'x.invalid' })), /^The host name in DATABASE_URL/)
  t.match(await advice(changed({ username: 'nobody' })), /user or the password of DATABASE_URL/)
  t.match(await advice(changed({ pathname: '/nothing' })), /^The database that DATABASE_URL names/)
})

test('a mistake in the code shows its stack, other errors are one sentence', async (t) => {
  t.match(adviseStart(new TypeError('no function')), /no function\n\s+at /)
  t.equal(adviseStart(new Error('Do this.')), 'Do this.')
  const listen = (code: string, port = 80) =>
    adviseStart(Object.assign(new Error(code), { code, port, syscall: 'listen' }))
  t.match(listen('EACCES'), /^Port 80 needs root/)
  t.match(listen('EADDRINUSE', 3000), /PORT=3001$/)
  t.match(listen('EADDRNOTAVAIL'), /^HOST is not an address/)
})
