import { tmpdir } from 'node:os'
import createError from '@fastify/error'
import multipart from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { assertUtf8Type } from '../http/utf8.ts'
import { createAdmission } from './admission.ts'
import { FIELD_LIMIT, FILE_LIMIT, fileMissing, receive, type UploadOptions } from './receive.ts'
import { createUploads } from './uploads.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Options of a route that takes a file: the limits of its body, which no schema validates. */
    fileRoute: typeof FILE_ROUTE
    uploads: {
      /** Can the temporary folder take a file? @throws NO_ROOM */
      check: () => Promise<void>
    }
  }
  interface FastifyRequest {
    /**
     * Streams the one file of a multipart body to disk and works on it; the file is removed when
     * `work` is done or fails, and when the client goes before the whole of it has come.
     * @throws 400, 413, 415, 503 before anything is read when too many uploads are in progress, and
     * when the temporary folder does not take the file
     */
    withFile: <T>(
      field: string,
      work: (upload: Upload) => Promise<T>,
      options?: UploadOptions,
    ) => Promise<T>
  }
}

export type Upload = {
  /** Path of the file. */
  file: string
  /** Text fields beside it, of those that were asked for. */
  fields: Record<string, string>
  /** As of the request: nobody waits for what is made of it any more. */
  cancelled: AbortSignal
}
const FILE_ROUTE = {
  /** Bytes: a file, its fields and framing. */
  bodyLimit: FILE_LIMIT + FIELD_LIMIT + 32 * 1024,
  /** Milliseconds: 8 MB from a phone in a poor network, and the work. */
  config: { deadline: 90_000 },
  // Documented, not validated: the body is a stream.
  validatorCompiler: () => () => true,
}

const NotMultipart = createError(
  'NOT_MULTIPART',
  'Send the file as multipart/form-data with a boundary.',
  415,
)

const advice = () =>
  `Uploads are refused with 503 NO_ROOM, because no file can be written to ${tmpdir()}. Make room there, or set TMPDIR to a folder that can be written.`

export default fp(
  async (app) => {
    await app.register(multipart, { limits: { fileSize: FILE_LIMIT, headerPairs: 20 } })
    const uploads = await createUploads(app.log)
    await uploads.check().catch((err) => app.log.warn({ err }, advice()))
    const admit = createAdmission()
    app.addHook('onClose', () => uploads.close())

    app.decorate('fileRoute', FILE_ROUTE)
    app.decorate('uploads', { check: uploads.check })
    app.decorateRequest(
      'withFile',
      async function withFile(this: FastifyRequest, field, work, options) {
        if (!this.isMultipart())
          throw this.body === undefined
            ? fileMissing(field, options?.fields, options?.others)
            : new NotMultipart()
        assertUtf8Type(this.headers['content-type'])
        return admit(() =>
          uploads.withPath(async (file) => {
            const { cancelled } = this
            // Of a request that has ended the parser would wait for the end for ever.
            cancelled.throwIfAborted()
            const fields = await receive(this, field, file, options)
            return work({ file, fields, cancelled })
          }),
        )
      },
    )
  },
  { name: 'multipart', dependencies: ['deadline'] },
)
