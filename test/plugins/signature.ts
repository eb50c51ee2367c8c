import { createHash, createHmac } from 'node:crypto'

/** AWS Signature Version 4 with query parameters, step by step as its documentation has them. */
export function signatureOf(url: URL, secret: string) {
  const hmac = (key: string | Buffer, text: string) =>
    createHmac('sha256', key).update(text).digest()
  const query = [...url.searchParams].filter(([name]) => name !== 'X-Amz-Signature')
  const canonicalQuery = query.map((pair) => pair.map(encodeURIComponent).join('=')).sort()
  const headers = [`host:${url.host}`, '', 'host', 'UNSIGNED-PAYLOAD']
  const request = ['GET', url.pathname, canonicalQuery.join('&'), ...headers].join('\n')
  const [, ...scope] = (url.searchParams.get('X-Amz-Credential') ?? '').split('/')
  const hash = createHash('sha256').update(request).digest('hex')
  const date = url.searchParams.get('X-Amz-Date')
  const text = ['AWS4-HMAC-SHA256', date, scope.join('/'), hash].join('\n')
  return hmac(scope.reduce<string | Buffer>(hmac, `AWS4${secret}`), text).toString('hex')
}
