import { randomBytes } from 'node:crypto'
import { type Answer, send } from './client.ts'
import { isMastodon } from './operations.ts'
import { type Call, PEOPLE, type Sender } from './requests.ts'

export type Person = {
  id: number
  handle: string
  email: string
  password: string
  token: string
  refreshToken: string
  /** A token of Mastodon's API. */
  appToken: string
  /** False once the account may have been deleted or suspended; others then know nothing about it. */
  isPlain: boolean
}

export type World = Awaited<ReturnType<typeof createWorld>>

const REDIRECT = 'https://client.example/back'
const JSON_TYPE = { 'content-type': 'application/json' }

export const newPassword = () => `Pw-${randomBytes(12).toString('hex')}`

/** @throws Error unless the answer is 2xx */
export async function ask(port: number, line: string, body?: object, token?: string) {
  const [method = '', path = ''] = line.split(' ')
  const answer = await send(port, {
    ...{ method, path },
    headers: { ...(body && JSON_TYPE), ...(token && { authorization: `Bearer ${token}` }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  if (answer.status >= 300) throw new Error(`${line}: ${answer.status} ${answer.text}`)
  return answer.text === '' ? undefined : JSON.parse(answer.text)
}

export async function signUp(port: number) {
  const password = newPassword()
  const email = `p${randomBytes(6).toString('hex')}@example.com`
  const body = { name: 'Somebody', email, password }
  const { user, ...tokens } = await ask(port, 'POST /v1/auth/sign-up', body)
  const { accessToken: token, refreshToken } = tokens
  const { id, handle } = user
  return { id, handle, email, password, token, refreshToken, appToken: '', isPlain: true } as Person
}

export type Client = { client_id: string; client_secret: string }

export const registerApp = (port: number): Promise<Client> =>
  ask(port, 'POST /api/v1/apps', {
    client_name: 'Fuzz',
    redirect_uris: REDIRECT,
    scopes: 'read write follow',
  })

/** Walks the pages on which a person signs in and allows an app. */
async function allow(port: number, { client_id, client_secret }: Client, person: Person) {
  const cookies = new Map<string, string>()
  async function visit(line: string, fields: Record<string, string>) {
    const [method = '', path = ''] = line.split(' ')
    const text = new URLSearchParams(fields).toString()
    const answer = await send(port, {
      method,
      path: method === 'GET' ? `${path}?${text}` : path,
      headers: {
        cookie: [...cookies].map((pair) => pair.join('=')).join('; '),
        ...(method === 'POST' && { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(method === 'POST' && { body: text }),
    })
    for (const cookie of answer.cookies ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      cookies.set(name, value)
    }
    return answer
  }
  const { email, password } = person
  await visit('POST /sign-in', { ...hiddenIn(await visit('GET /sign-in', {})), email, password })
  const asked = {
    client_id,
    redirect_uri: REDIRECT,
    response_type: 'code',
    scope: 'read write follow',
  }
  const consent = hiddenIn(await visit('GET /oauth/authorize', asked))
  const answer = await visit('POST /oauth/authorize', { ...consent, decision: 'allow' })
  const code = new URL(answer.location ?? '').searchParams.get('code') ?? ''
  const grant = {
    grant_type: 'authorization_code',
    client_id,
    client_secret,
    redirect_uri: REDIRECT,
  }
  const token = await visit('POST /oauth/token', { ...grant, code })
  return JSON.parse(token.text).access_token as string
}

const hiddenIn = ({ text }: { text: string }) =>
  Object.fromEntries(
    [...text.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)].map(
      ([, name = '', value = '']) => [name, value],
    ),
  )

/** The people of one script and what they have made; `files` are what they upload. */
export async function createWorld(
  port: number,
  { admin, client, files }: { admin: Person; client: Client; files: Buffer[] },
) {
  const people = await Promise.all(Array.from({ length: PEOPLE }, () => signUp(port)))
  const [first] = people
  if (first) first.appToken = await allow(port, client, first)
  const made: Record<'tweet' | 'media' | 'cursor', (number | string)[]> = {
    ...{ tweet: [], media: [], cursor: [] },
  }

  /** Mastodon's API is used by the first person. */
  const senderOf = ({ line, by }: Call) =>
    typeof by !== 'number' ? undefined : people[isMastodon(line) ? 0 : by]

  const own = (by: Sender) => (by === 'admin' ? admin : people[Number(by)]) ?? people[0]

  /** The value of a placeholder. */
  function stoodFor(name: string, n: number, by: Sender) {
    const pick = <T>(all: T[]) => all[n % all.length]
    const somebody = pick(people)
    if (name === 'user') return somebody?.id
    if (name === 'handle') return somebody?.handle
    if (name === 'email') return somebody?.email
    if (name === 'refresh') return somebody?.refreshToken
    if (name === 'password') return own(by)?.password
    if (name === 'client') return client.client_id
    if (name === 'secret') return client.client_secret
    return pick(made[name as keyof typeof made] ?? [])
  }

  const NAMES =
    /("?)\$(user|handle|email|refresh|password|client|secret|tweet|media|cursor)(\d?)"?/g

  /** Numbers lose their quotes in JSON. */
  const fill = (text: string, by: Sender, isJson = false) =>
    text.replaceAll(NAMES, (whole, quote: string, name: string, n: string) => {
      const value = stoodFor(name, Number(n), by) ?? 999_999_999
      if (!isJson) return whole.startsWith('"') ? JSON.stringify(value) : String(value)
      return typeof value === 'number' && quote ? String(value) : JSON.stringify(value)
    })

  function authorizationOf(call: Call) {
    if (call.by === null) return undefined
    if (call.by === 'admin') return `Bearer ${admin.token}`
    if (typeof call.by === 'string') return call.by
    const person = senderOf(call)
    const token = isMastodon(call.line) ? person?.appToken : person?.token
    // The flat API takes the bare token as well.
    return `Bearer ${token}`
  }

  function bodyOf({ body, by }: Call) {
    if (!body) return undefined
    if ('text' in body) return fill(body.text, by, body.type.includes('json'))
    return Buffer.concat([
      Buffer.from(
        `--b\r\ncontent-disposition: form-data; name="${body.field}"; filename="a.png"\r\n\r\n`,
      ),
      files[body.file] ?? Buffer.alloc(0),
      Buffer.from(body.end),
    ])
  }

  /** The request of a step, with what the placeholders stand for now. */
  function requestOf(call: Call) {
    const authorization = authorizationOf(call)
    const headers: Record<string, string> = {
      ...call.headers,
      ...(authorization && { authorization }),
      ...(call.body && { 'content-type': call.body.type }),
    }
    return {
      method: call.line.split(' ')[0] ?? '',
      path: fill(call.path, call.by),
      headers,
      body: bodyOf(call),
    }
  }

  const note = (name: keyof typeof made, value: unknown) => {
    if (value === null || value === undefined || value === '') return
    made[name].push(value as number)
  }

  return { people, senderOf, requestOf, note, made }
}

export type Request = ReturnType<World['requestOf']>
export type Answered = { call: Call; request: Request; answer: Answer }
