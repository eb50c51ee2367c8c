/** The text of an HTTP request. */
export function request(line: string, { token, body }: { token?: string; body?: object } = {}) {
  const payload = body === undefined ? '' : JSON.stringify(body)
  const headers = [
    'host: bench',
    ...(token ? [`authorization: Bearer ${token}`] : []),
    ...(body ? ['content-type: application/json'] : []),
    ...(body ? [`content-length: ${Buffer.byteLength(payload)}`] : []),
  ]
  return `${line} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n${payload}`
}
