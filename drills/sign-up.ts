import { randomUUID } from 'node:crypto'

/** A new person of a house. @returns the access token */
export async function signUp(url: string, email = `${randomUUID()}@birdhouse.example`) {
  const body = JSON.stringify({ name: 'Somebody', email, password: randomUUID() })
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/v1/auth/sign-up`, { method: 'POST', headers, body })
  if (!response.ok) throw new Error(await response.text())
  return ((await response.json()) as { accessToken: string }).accessToken
}
