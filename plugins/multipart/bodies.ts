import { finished } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { parseForm } from '../http/forms.ts'
import { receiveForm } from './form.ts'
import { inPace } from './pace.ts'
import type { createPlaces } from './places.ts'
import { formLimit } from './size.ts'
import type { createUploads } from './uploads.ts'

export type Files = Partial<Record<string, Upload>>
export type Upload = {
  file: string
  fields: Record<string, string>
  /** The request's `cancelled`: aborts when the client has gone or the deadline has passed. */
  cancelled: AbortSignal
}

type Parts = {
  hold: ReturnType<typeof createPlaces>
  uploads: Awaited<ReturnType<typeof createUploads>>
  grace: number
}
type Sent = { fields: object; files: Files }

/** Returns a function that reads a multipart body with these files, which exist until the answer has ended. */
export function createBodies({ hold, uploads, grace }: Parts) {
  async function receive(request: FastifyRequest, paths: Map<string, string>): Promise<Sent> {
    const { cancelled } = request
    // The parser would wait forever for the end of a request that has already ended.
    cancelled.throwIfAborted()
    const limit = formLimit(paths.size)
    const { names, form } = await inPace(request, { grace, limit }, (signal) =>
      receiveForm(request, paths, signal),
    )
    const sent = [...paths].filter(([name]) => names.has(name))
    const files = sent.map(([name, file]) => [name, { file, fields: {}, cancelled }] as const)
    return { fields: parseForm(form), files: Object.fromEntries(files) }
  }

  return (request: FastifyRequest, reply: FastifyReply, names: string[]) => {
    const answered = new Promise<void>((resolve) => finished(reply.raw, () => resolve()))
    return new Promise<Sent>((resolve, reject) => {
      hold(request.viewerId ?? request.clientNetwork, () =>
        uploads.withPaths(names.length, async (files) => {
          const paths = new Map(names.map((name, n) => [name, files[n] ?? '']))
          resolve(await receive(request, paths))
          await answered
        }),
      ).catch(reject)
    })
  }
}
