import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import getPort from 'get-port'
import { createConnection } from 'mysql2/promise'
import { generate } from 'selfsigned'
import type { Test } from 'tap'
import { connectionOptions } from '../plugins/db/connection-options.ts'
import { startDatabase } from './database.ts'

const KEYS = { keyType: 'ec', algorithm: 'sha256' } as const
/** The types of names in a certificate (RFC 5280, 4.2.1.6). */
const [DNS, IP] = [2, 7] as const

/** A private certificate authority, and a certificate that it signed for these hosts. */
export async function makeCertificates(hosts: string[]) {
  const authority = await generate([{ name: 'commonName', value: 'Private CA' }], {
    ...KEYS,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  })
  const altNames = hosts.map((host) =>
    isIP(host) ? { type: IP, ip: host } : { type: DNS, value: host },
  )
  const server = await generate([{ name: 'commonName', value: 'database' }], {
    ...KEYS,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'subjectAltName', altNames },
      { name: 'extKeyUsage', serverAuth: true },
    ],
  })
  return { authority: authority.cert, certificate: server.cert, key: server.private }
}

/** A server of its own for a test; the next one in the same folder starts faster. */
export async function startTestDatabase(t: Test, folder: string, serverOptions: string[]) {
  const port = await getPort({ host: '127.0.0.1' })
  const database = await startDatabase({
    folder,
    volatile: true,
    everyDatabase: true,
    port,
    serverOptions,
  })
  t.teardown(() => database.stop())
  return database
}

/** A database that refuses plaintext and has a certificate for these hosts, from a CA of its own. */
export async function startTlsDatabase(t: Test, folder: string, hosts: string[]) {
  const { authority, certificate, key } = await makeCertificates(hosts)
  const write = (name: string, content: string) => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const { url } = await startTestDatabase(t, folder, [
    `--ssl-cert=${write('cert.pem', certificate)}`,
    `--ssl-key=${write('key.pem', key)}`,
  ])
  const connection = await createConnection(connectionOptions({ DATABASE_URL: url }))
  await connection.query('SET GLOBAL require_secure_transport = ON')
  connection.destroy()
  return {
    byAddress: url,
    byName: url.replace('127.0.0.1', 'localhost'),
    ca: write('ca.pem', authority),
  }
}

export function temporaryFolder(t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'birdhouse-tls-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
