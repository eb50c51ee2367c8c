import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type ExtensionWork, runAs } from '../db/extension-work.ts'
import { DEFAULT_DEADLINE } from '../deadline.ts'

/** Milliseconds after the deadline: by then the request has its 503 and is cancelled. */
const GRACE = 250
/** Milliseconds for which a late request sends no statements; later ones come from what it left running. */
const LATE_FOR = 60_000

/** Runs the hooks and handlers of all routes of a scope as work of the extension. */
export function ownRequests(scope: FastifyInstance, owner: string) {
  const works = new WeakMap<FastifyRequest, ExtensionWork>()

  scope.addHook('onRequest', (request, _reply, done) => {
    const { deadline = DEFAULT_DEADLINE } = request.routeOptions.config
    const end = performance.now() + deadline + GRACE
    const work = {
      owner,
      share: owner,
      end,
      isLate: () => isRefused(request) && performance.now() < end + LATE_FOR,
    }
    works.set(request, work)
    runAs(work, done)
  })
  // Reading a body continues from an event of the connection, which is no extension's work.
  scope.addHook('preValidation', (request, _reply, done) => {
    const work = works.get(request)
    if (work) runAs(work, done)
    else done()
  })
}

/** False while an answer goes on that has begun in time, and for a client that has gone. */
const isRefused = ({ cancelled }: FastifyRequest) =>
  cancelled.aborted && cancelled.reason?.code === 'TOO_SLOW'
