import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import createError from '@fastify/error'
import argon2 from 'argon2'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { createFairGate, type Origin } from './fair-gate.ts'
import { lowerPoolPriority } from './pool-priority.ts'

declare module 'fastify' {
  interface FastifyInstance {
    password: Awaited<ReturnType<typeof createPassword>>
  }
}

// OWASP Password Storage Cheat Sheet: Argon2id with 19 MiB of memory, 2 iterations, 1 lane.
const STRONG = {
  type: argon2.argon2id,
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
} as const
/** For tests, which make thousands of accounts: a twentieth of the work. */
const CHEAP = { ...STRONG, memoryCost: 1_024 }

/**
 * Concurrent hashes: at most half of the processors, so that other requests proceed, and at most half of
 * libuv's four threads, so that files and DNS keep the rest.
 */
const CONCURRENCY = Math.max(1, Math.min(2, Math.floor(availableParallelism() / 2)))
/** Most waiting hashes; the client of a later one would give up before its turn. */
const QUEUE = 200

/** Works that no client asked for. */
const NOBODY: Origin = { address: '', account: '' }

// NIST SP 800-63B, section 3.1.1.2: normalize, since keyboards encode the same character differently.
const normal = (password: string) => password.normalize('NFKC')

const TooBusy = createError('TOO_BUSY', 'Too many logins at once; try again in a moment.', 503)

let loading: Promise<ReadonlySet<string>> | undefined

/** Loaded for the first new password: takes 0.2 s and 21 MB, which most processes save for a while. */
function common() {
  loading ??= import('@zxcvbn-ts/language-common').then(
    ({ dictionary }) => new Set(dictionary['passwords-common']),
  )
  return loading
}

async function createPassword({ config, metrics }: FastifyInstance) {
  const parameters = config.cheapPasswords ? CHEAP : STRONG
  const { pass, isFull, ...gate } = createFairGate(CONCURRENCY, QUEUE, () => new TooBusy())
  metrics.gauge('birdhouse_password_hashes', {
    help: 'Hashes of passwords that are computed or wait for their turn.',
    labels: ['state'],
    read: () => [
      [{ state: 'running' }, gate.running()],
      [{ state: 'waiting' }, gate.waiting()],
    ],
  })
  const unguessable = await argon2.hash(randomBytes(32), parameters)

  return {
    /** Tells early that a password of this origin would not be checked. @throws TooBusy */
    assertRoom(origin: Origin) {
      if (isFull(origin)) throw new TooBusy()
    },

    /** @throws TooBusy */
    hash: (password: string, origin = NOBODY) =>
      pass(origin, () => argon2.hash(normal(password), parameters)),

    /** Without a hash (no such user) returns false after the same time as with a hash. @throws TooBusy */
    verify: (password: string, hash: string | undefined, origin = NOBODY) =>
      pass(
        origin,
        async () =>
          (await argon2.verify(hash ?? unguessable, normal(password))) && hash !== undefined,
      ),

    /** True for one of 50,000 common passwords, whatever the case. */
    isCommon: async (password: string) => (await common()).has(normal(password).toLowerCase()),

    /** True when the hash was made with other parameters or another variant than the current ones. */
    needsRehash: (hash: string) =>
      !hash.startsWith('$argon2id$') || argon2.needsRehash(hash, parameters),
  }
}

export default fp(
  async (app) => {
    app.decorate('password', await createPassword(app))
    try {
      // The first hash has started the pool.
      lowerPoolPriority()
    } catch (err) {
      app.log.warn({ err }, 'Logins slow down requests: the priority of threads cannot be set.')
    }
  },
  { name: 'password', dependencies: ['metrics'] },
)
