import { listOf, readable } from './setting.ts'

/** At most `quota` requests by one account or from one address in a window of that many seconds. */
export type Quota = { by: 'account' | 'address'; quota: number; seconds: number }

/** A quota of a class of requests; `name` is unique. */
export type Limit = Quota & { name: string; class: string }

const UNITS = { s: 1, min: 60, h: 3_600, day: 86_400 }
const SHAPE = 'limits such as account 1200/min, address 12000/min, with s, min, h or day, or to off'

/** Reads `account 1200/min, address 12000/min`. @throws Error whose message says how to correct the setting */
export function readLimits(text: string): Quota[] {
  if (text.trim() === 'off') return []
  const quotas = listOf(text).map((entry) => {
    const [, by, quota, unit] = /^(account|address) +(\d{1,9})\/(s|min|h|day)$/.exec(entry) ?? []
    if (!by || Number(quota) === 0) throw new Error(`set it to ${SHAPE}`)
    // The pattern admits these words only.
    return { by, quota: Number(quota), seconds: UNITS[unit as keyof typeof UNITS] } as Quota
  })
  if (quotas.length === 0) throw new Error(`set it to ${SHAPE}`)
  // Both would count each request under one name in Redis.
  if (new Set(quotas.map(({ by, seconds }) => `${by} ${seconds}`)).size < quotas.length)
    throw new Error(
      'limit accounts and addresses once a window, such as account 20/s, account 1200/min',
    )
  return quotas
}

/** People who sign up have no account yet. @throws Error as `readLimits` */
export function readAddressLimits(text: string) {
  const quotas = readLimits(text)
  if (quotas.every(({ by }) => by === 'address')) return quotas
  throw new Error('limit addresses alone, such as address 50/h, or set it to off')
}

const limit = (usual: string, read = readLimits) =>
  readable(read, { default: usual, secret: false })

/** The defaults are several times as high as one person, or a network that many people share, gets. */
export const LIMITS = {
  LIMIT_READ: limit('account 1200/min, address 12000/min'),
  LIMIT_WRITE: limit('account 120/min, address 1200/min'),
  LIMIT_UPLOAD: limit('account 40/min, address 300/min'),
  LIMIT_STREAM: limit('account 60/min, address 600/min'),
  LIMIT_SIGN_UP: limit('address 50/h', readAddressLimits),
  LIMIT_LOGIN: limit('account 30/min, address 60/min, address 600/h'),
  LIMIT_REFRESH: limit('account 60/min, address 1200/min'),
  LIMIT_MAIL: limit('account 10/h, address 60/h'),
}
