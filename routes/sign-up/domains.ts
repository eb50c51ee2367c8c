import { domainToASCII } from 'node:url'

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/
const LENGTH = 253

/** Returns a domain in lower case and punycode. Undefined for a text that is no domain. */
export function readDomain(text: string) {
  const plain = text.trim().replace(/^@/, '').replace(/\.$/, '')
  const domain = domainToASCII(plain)
  const isDomain = domain.length <= LENGTH && domain.split('.').every((label) => LABEL.test(label))
  return isDomain ? domain : undefined
}

/** The domain of an e-mail address and the domains above it: `a.b.c`, `b.c` and `c`. */
export function domainsOf(email: string) {
  const given = email.slice(email.lastIndexOf('@') + 1).toLowerCase()
  const labels = (readDomain(given) ?? given).split('.')
  return labels.map((_, index) => labels.slice(index).join('.'))
}
