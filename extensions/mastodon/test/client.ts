import type { FastifyInstance } from 'birdhouse'
import { setUp, type User } from 'birdhouse/testing'
import type { Test } from 'tap'

type Fields = Record<string, string>
export type Registered = { client_id: string; client_secret: string }

export const REDIRECT = 'https://client.example/back'

/** A server that listens, and what an app does with it before it has a token. */
export async function listening(t: Test, settings: Record<string, string> = {}) {
  const app: FastifyInstance = await setUp(t, settings)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })

  /** The cookies of the browser in which people sign in. */
  const cookies = new Map<string, string>()
  let signedIn: number | undefined

  async function visit(path: string, options: RequestInit = {}) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await fetch(`${url}${path}`, {
      redirect: 'manual',
      headers: { cookie },
      ...options,
    })
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value) cookies.set(name, value)
      else cookies.delete(name)
    }
    return answer
  }

  const post = (path: string, fields: Fields) =>
    visit(path, { method: 'POST', body: new URLSearchParams(fields) })

  async function register(more: Fields = {}): Promise<Registered> {
    const fields = {
      client_name: 'Test Client',
      redirect_uris: REDIRECT,
      scopes: 'read write follow',
      ...more,
    }
    return (await (await post('/api/v1/apps', fields)).json()) as Registered
  }

  const ask = (client: Registered, more: Fields = {}) => ({
    client_id: client.client_id,
    redirect_uri: REDIRECT,
    response_type: 'code',
    scope: 'read write follow',
    ...more,
  })

  /** Signs in if the browser is not this user's yet; returns the hidden fields of the page of consent. */
  async function signIn(user: User, fields: Fields) {
    if (signedIn !== user.id) {
      const form = hiddenIn(await (await visit('/sign-in?again=true')).text())
      const { email, password } = user
      await post('/sign-in', { ...form, email, password })
      signedIn = user.id
    }
    return hiddenIn(await (await visit(`/oauth/authorize?${new URLSearchParams(fields)}`)).text())
  }

  /** The address that the person is sent back to. */
  async function allow(user: User, fields: Fields, decision = 'allow') {
    const consent = await signIn(user, fields)
    const answer = await post('/oauth/authorize', { ...consent, decision })
    return new URL(answer.headers.get('location') ?? 'none:')
  }

  const exchange = (client: Registered, code: string, more: Fields = {}) =>
    post('/oauth/token', {
      grant_type: 'authorization_code',
      client_id: client.client_id,
      client_secret: client.client_secret,
      redirect_uri: REDIRECT,
      code,
      ...more,
    })

  /** The token of an app that the user allows. */
  async function tokenOf(user: User, scope = 'read write follow') {
    const client = await register({ scopes: scope })
    const back = await allow(user, ask(client, { scope }))
    const answer = await exchange(client, back.searchParams.get('code') ?? '')
    return ((await answer.json()) as { access_token: string }).access_token
  }

  /** One request with a token; JSON is sent and read. */
  async function call(line: string, token?: string, body?: object) {
    const [method = '', path] = line.split(' ')
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    const isJson = answer.headers.get('content-type')?.includes('json')
    // Tests look at what they expect.
    const read: any = isJson ? JSON.parse(text) : text
    return { status: answer.status, headers: answer.headers, body: read }
  }

  return { app, url, visit, post, register, ask, signIn, allow, exchange, tokenOf, call }
}

const hiddenIn = (page: string): Fields =>
  Object.fromEntries(
    [...page.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)].map(
      ([, name = '', value = '']) => [name, value],
    ),
  )
