import { request } from '../processes/requests.ts'
import { createApi } from './api.ts'
import { type Client, once, repeatedly, type Scenario } from './scenario.ts'

/** Connections at work without and with overload: ten times as many. */
const USUAL = 64
const MANY = 640

const overload: Scenario = {
  name: 'overload',
  title: `${MANY} connections read timelines, beside ${USUAL} of people`,
  env: { LIMIT_READ: 'off' },
  async prepare({ port }) {
    const api = createApi(port)
    const person = await api.signUp('Person')
    for (let n = 0; n < 20; n++)
      await api.send('POST /v1/tweets', { as: person, body: { text: `hello ${n}` } })
    const read = request('GET /v1/timeline', { token: person.token })
    const clients = (count: number): Client[] =>
      Array.from({ length: count }, () => ({ from: '127.0.0.1', requests: [read] }))
    return {
      honest: () => once(port, clients(USUAL)),
      attack: (signal) => repeatedly(port, clients(MANY), signal),
    }
  },
}

export default [overload]
