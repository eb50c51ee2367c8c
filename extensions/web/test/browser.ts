import type { FastifyInstance } from 'birdhouse'
import type { User } from 'birdhouse/testing'

type Fields = Record<string, string>
type Headers = Record<string, string>

/** Acts as a browser: keeps cookies, and sends a form with the hidden token of the last page. */
export function openBrowser(app: FastifyInstance) {
  const cookies = new Map<string, string>()
  let token = ''

  async function request(method: 'GET' | 'POST', url: string, more: object, headers: Headers = {}) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await app.inject({
      method,
      url,
      headers: { ...(cookie && { cookie }), ...headers },
      ...more,
    })
    for (const { name, value } of answer.cookies)
      if (value) cookies.set(name, value)
      else cookies.delete(name)
    const { statusCode: status, body } = answer
    token = /name="token" value="([\w-]+)"/.exec(body)?.[1] ?? token
    return { status, headers: answer.headers, body, to: answer.headers.location }
  }

  const get = (url: string, headers?: Headers) => request('GET', url, {}, headers)

  const post = (url: string, fields: Fields = {}, headers: Headers = {}) =>
    request(
      'POST',
      url,
      { payload: new URLSearchParams({ token, ...fields }).toString() },
      { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    )

  const send = (url: string, payload: string, headers: Headers) =>
    request('POST', url, { payload }, headers)

  /** Sends a form with a picture, or with the empty file of a form without one. */
  async function postForm(
    url: string,
    fields: Fields,
    picture?: Uint8Array<ArrayBuffer>,
    name = 'picture',
  ) {
    const form = new FormData()
    for (const [name, value] of Object.entries({ token, ...fields })) form.append(name, value)
    form.append(name, new Blob(picture ? [picture] : []), picture ? 'picture.png' : '')
    const body = new Response(form)
    const type = body.headers.get('content-type') ?? ''
    const sent = Buffer.from(await body.arrayBuffer()).toString('latin1')
    // Node leaves an empty name out, which a browser sends.
    const payload = Buffer.from(
      sent.replace(/(name="\w+")(\r\nContent-Type)/, '$1; filename=""$2'),
      'latin1',
    )
    return request('POST', url, { payload }, { 'content-type': type })
  }

  async function signIn({ email, password }: Pick<User, 'email' | 'password'>, returnTo = '/') {
    await get(`/sign-in?return_to=${encodeURIComponent(returnTo)}`)
    return post('/sign-in', { email, password, return_to: returnTo })
  }

  return { get, post, send, postForm, signIn, cookies, tokenOfPage: () => token }
}
