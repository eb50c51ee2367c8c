import { request } from '../processes/requests.ts'
import { type Client, once, repeatedly, type Scenario } from './scenario.ts'

const CONNECTIONS = 230
const PEOPLE = 6
const PASSWORD = 'correct horse battery'
const HOME = '127.0.0.1'

const login = (email: string, password: string) =>
  request('POST /v1/auth/login', { body: { email, password } })

/** Signs the people up from `HOME`, where they later log in; returns their addresses of e-mail. */
async function signUp(port: number) {
  const emails = Array.from({ length: PEOPLE }, (_, n) => `honest${n}-${Date.now()}@example.com`)
  const clients = emails.map((email) => {
    const body = { name: 'Honest', email, password: PASSWORD }
    return { from: HOME, requests: [request('POST /v1/auth/sign-up', { body })] }
  })
  const { answers } = await once(port, clients)
  if (answers['2xx'] !== PEOPLE) throw new Error(`Sign-up answered ${JSON.stringify(answers)}`)
  return emails
}

/** `attackerOf` says from which address the nth connection guesses the password of which account. */
const guessing = (
  name: string,
  title: string,
  attackerOf: (n: number, emails: string[]) => { from: string; email: string },
): Scenario => ({
  name,
  title,
  async prepare({ port }) {
    const emails = await signUp(port)
    const people = emails.map((email) => ({ from: HOME, requests: [login(email, PASSWORD)] }))
    const attackers: Client[] = Array.from({ length: CONNECTIONS }, (_, n) => {
      const { from, email } = attackerOf(n, emails)
      return { from, requests: [login(email, `wrong ${n}`)] }
    })
    return {
      honest: () => once(port, people),
      attack: (signal) => repeatedly(port, attackers, signal),
    }
  },
})

const stranger = (n: number) => `stranger${n}@example.com`
const elsewhere = (n: number) => `127.0.1.${n + 1}`

export default [
  guessing('logins', '230 connections from one address guess passwords of 230 accounts', (n) => ({
    from: '127.0.0.2',
    email: stranger(n),
  })),
  guessing('logins-beside', '... from the address of the people themselves', (n) => ({
    from: HOME,
    email: stranger(n),
  })),
  guessing('logins-spread', '... from 230 addresses', (n) => ({
    from: elsewhere(n),
    email: stranger(n),
  })),
  guessing(
    'logins-targeted',
    '... from 230 addresses, of the accounts of the people',
    (n, emails) => ({
      from: elsewhere(n),
      email: emails[n % emails.length] ?? '',
    }),
  ),
]
