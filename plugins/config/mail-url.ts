const SHAPE = 'smtp://user:password@host:port, or smtps:// for TLS from the first byte'
const ENCODE =
  'percent-encode special characters of its user and password as UTF-8: / is %2F, ? is %3F, # is %23, % is %25, @ is %40'
/** RFC 6409 and RFC 8314: submission with STARTTLS, and with TLS from the first byte. */
const PORTS = { 'smtp:': 587, 'smtps:': 465 }

/**
 * Returns the address and account in a MAIL_URL. With a password, `smtp:` to another machine requires STARTTLS.
 * @throws Error whose message says what to change and shows no value
 */
export function readMailUrl(text: string) {
  const [, end] = /^smtps?:\/\/[^/?#]*(.*)$/is.exec(text.trim()) ?? []
  if (end === undefined) throw new Error(`set it to ${SHAPE}`)
  // An @ after the first / ? or # ends an unencoded password, which no message may show.
  if (/[@#]/.test(end)) throw new Error(ENCODE)
  if (end !== '' && end !== '/')
    throw new Error(`it takes no path and no parameters; set it to ${SHAPE}`)
  const url = URL.parse(text)
  if (!url?.hostname || url.port === '0')
    throw new Error(`its host or port is wrong; set it to ${SHAPE}`)
  if (Boolean(url.username) !== Boolean(url.password))
    throw new Error(`it has a user or a password alone; set it to ${SHAPE}`)
  const protocol = url.protocol as keyof typeof PORTS
  const host = url.hostname.replace(/^\[|\]$/g, '')
  try {
    const [user, pass] = [decodeURIComponent(url.username), decodeURIComponent(url.password)]
    return {
      host,
      port: Number(url.port || PORTS[protocol]),
      secure: protocol === 'smtps:',
      // A mail server of this machine often has a certificate that nobody signed.
      ignoreTLS: protocol === 'smtp:' && isLoopback(host),
      requireTLS: protocol === 'smtp:' && user !== '' && !isLoopback(host),
      ...(user && { auth: { user, pass } }),
    }
  } catch {
    throw new Error(ENCODE)
  }
}

const isLoopback = (host: string) => /^(localhost|127\.\d+\.\d+\.\d+|::1)$/.test(host)
