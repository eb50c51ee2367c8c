/** A client of the JSON API for scenarios whose people look at answers. */

export type Account = { token: string; id: number; handle: string }

type Options = { as?: Account; body?: object; signal?: AbortSignal }

export function createApi(port: number) {
  /** Sends a request such as `PUT /v1/tweets/1/like`. @throws Error unless the answer is 2xx */
  async function send(line: string, { as, body, signal }: Options = {}) {
    const [method = '', path = ''] = line.split(' ')
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: {
        ...(as && { authorization: `Bearer ${as.token}` }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${line}: ${answer.status} ${text}`)
    return text ? JSON.parse(text) : undefined
  }

  async function signUp(name: string): Promise<Account> {
    const email = `${crypto.randomUUID()}@example.com`
    const body = { name, email, password: 'correct horse battery' }
    const { accessToken, user } = await send('POST /v1/auth/sign-up', { body })
    return { token: accessToken, id: user.id, handle: user.handle }
  }

  return { send, signUp }
}
