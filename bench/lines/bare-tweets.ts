import { request } from '../processes/requests.ts'
import type { Bench } from '../setup.ts'
import { captureTransaction, MARKER } from './capture.ts'

export const BODY = { text: 'a tweet of an ordinary length, '.repeat(4).trim() }

/** The statements of the service for one tweet, which the bare service then runs for others. */
export async function captureTweet(bench: Bench) {
  const user = bench.ids.firstReader - 1
  const [token = ''] = await bench.tokens([user])
  const marker = request('POST /v1/tweets', { token, body: { text: MARKER } })
  return captureTransaction(bench, marker, { user, text: MARKER })
}

export const bareTweet = (author: number) => request(`POST /tweets/${author}`, { body: BODY })
