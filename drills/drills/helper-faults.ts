import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { startRedis } from '../../test/redis.ts'
import {
  hang,
  type Fault as Misbehaviour,
  slow,
  startS3FaultProxy,
} from '../../test/s3-fault-proxy.ts'
import { startSmtp } from '../../test/smtp.ts'
import { freePort } from '../free-port.ts'
import type { Stops } from '../house.ts'
import type { Fault, Scene } from '../measure.ts'
import { signUp } from '../sign-up.ts'
import { startUploads } from '../uploads.ts'

/** Milliseconds of an answer of a slow store. */
const SLOW = 5_000
/** Milliseconds in which mails arrive after the server is back; tries are up to twice as far apart as the outage is long. */
const MAIL_PATIENCE = 90_000

export const helperFaults: Fault[] = [
  {
    name: 's3',
    title: 'the store of pictures refuses connections for 15 s, while pictures are uploaded',
    seconds: 15,
    alerts: ['BirdhouseCheckFailing'],
    prepare: () =>
      withUploads({
        async during({ s3 }, seconds) {
          await s3.stop()
          await sleep(seconds * 1000)
          await s3.start()
        },
      }),
  },
  {
    name: 's3-hangs',
    title: 'the store of pictures takes requests and does not answer for 15 s',
    seconds: 15,
    alerts: ['BirdhouseCheckFailing'],
    prepare: (stops) => behindProxy(stops, hang),
  },
  {
    name: 's3-slow',
    title: `the store of pictures answers after ${SLOW / 1000} s, for 15 s`,
    seconds: 15,
    alerts: ['BirdhouseCheckFailing'],
    prepare: (stops) => behindProxy(stops, slow(SLOW)),
  },
  {
    name: 'redis',
    title: 'kill -9 of Redis, which counts limits, started again after 15 s',
    seconds: 15,
    alerts: ['BirdhouseCheckFailing'],
    async prepare(stops) {
      const scope = { teardown: stops.add }
      const redis = await startRedis(scope)
      return {
        options: { env: { REDIS_URL: redis.url } },
        async during(_, seconds) {
          await redis.stop()
          await sleep(seconds * 1000)
          await startRedis(scope, redis.port)
        },
      }
    },
  },
  {
    name: 'mail',
    title: 'the mail server away for 15 s while 10 people sign up',
    seconds: 15,
    alerts: ['BirdhouseCheckFailing'],
    prepare: mailAway,
  },
]

async function behindProxy(stops: Stops, misbehaviour: Misbehaviour): Promise<Scene> {
  let proxy: Awaited<ReturnType<typeof startS3FaultProxy>> | undefined
  return withUploads({
    options: {
      async s3Through(endpoint) {
        proxy = await startS3FaultProxy({ teardown: stops.add }, endpoint)
        return proxy.url
      },
    },
    async during(_, seconds) {
      proxy?.misbehave(misbehaviour)
      await sleep(seconds * 1000)
      proxy?.misbehave()
    },
  })
}

/** A scene during which pictures are uploaded, also some before the fault and after it. */
function withUploads({ during, ...scene }: Scene): Scene {
  let end: Awaited<ReturnType<typeof startUploads>> | undefined
  return {
    ...scene,
    async during(house, seconds) {
      end = await startUploads(house)
      await sleep(1_000)
      await during(house, seconds)
    },
    after: async () => (await end?.()) ?? {},
  }
}

async function mailAway(stops: Stops): Promise<Scene> {
  const scope = { teardown: stops.add }
  const port = await freePort()
  const before = await startSmtp(scope, port)
  let after: typeof before | undefined
  const addresses = Array.from({ length: 10 }, () => `${randomUUID()}@birdhouse.example`)
  return {
    options: {
      env: {
        MAIL_URL: before.url,
        MAIL_FROM: 'post@birdhouse.example',
        ACCOUNT_PAGE_URL: 'https://birdhouse.example/account',
      },
    },
    async during({ url }, seconds) {
      await before.stop()
      await Promise.all(addresses.map((email) => signUp(url, email)))
      await sleep(seconds * 1000)
      after = await startSmtp(scope, port)
    },
    async after() {
      const arrived = () =>
        addresses.map((email) => before.to(email).length + (after?.to(email).length ?? 0))
      const deadline = performance.now() + MAIL_PATIENCE
      while (arrived().includes(0) && performance.now() < deadline) await sleep(100)
      const counts = arrived()
      return {
        'mails lost': counts.filter((count) => count === 0).length,
        'mails doubled': counts.filter((count) => count > 1).length,
      }
    },
  }
}
