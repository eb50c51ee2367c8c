import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

type Address = ReturnType<typeof ipaddr.process>

/** IPv4 within IPv6 counts as IPv4, as in `clientAddress`. */
const MAPPED = 96

/** Addresses of a family in their order, as text. */
const keyOf = (address: Address) =>
  `${address.kind() === 'ipv4' ? 4 : 6}${Buffer.from(address.toByteArray()).toString('hex')}`

/** URL writes IPv6 without dots: ipaddr.js takes `::192.0.2.1` for an IPv4 address. */
const parse = (text: string) =>
  ipaddr.parse(isIP(text) === 6 ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text)

/** IPv4 within IPv6 as IPv4. */
const plainOf = (address: Address) => ipaddr.process(address.toString())

/** Undefined for a text that is no address. */
export const addressKey = (text: string) =>
  isIP(text) === 0 ? undefined : keyOf(plainOf(parse(text)))

/** Reads an address, or a range in CIDR notation. Undefined for anything else, and for all addresses. */
export function readRange(text: string) {
  const [, address = '', prefix] = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text.trim()) ?? []
  if (isIP(address) === 0) return undefined
  const given = parse(address)
  const plain = plainOf(given)
  const mapped = given.kind() === plain.kind() ? 0 : MAPPED
  const most = plain.kind() === 'ipv4' ? 32 : 128
  const length = prefix === undefined ? most : Number(prefix) - mapped
  if (length < 1 || length > most) return undefined
  const [first, last] = bounds(plain, length)
  return { value: `${first}/${length}`, first: keyOf(first), last: keyOf(last) }
}

/** The bits after the prefix are 0 in the first address and 1 in the last. */
function bounds(address: Address, length: number) {
  const bytes = address.toByteArray()
  const bound = (bit: 0 | 1) =>
    ipaddr.fromByteArray(
      bytes.map((byte, index) => {
        const own = 0xff & (0xff << Math.min(8, Math.max(0, 8 - (length - index * 8))))
        return (byte & own) | (bit ? 0xff & ~own : 0)
      }),
    )
  return [bound(0), bound(1)] as const
}
