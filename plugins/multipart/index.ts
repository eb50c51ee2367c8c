import { tmpdir } from 'node:os'
import createError from '@fastify/error'
import multipart from '@fastify/multipart'
import type { FastifyRequest, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { assertUtf8Type } from '../http/utf8.ts'
import { createBodies, type Files, type Upload } from './bodies.ts'
import { GRACE, inPace } from './pace.ts'
import { createPlaces } from './places.ts'
import { FILE_LIMIT, fileMissing, receive, type UploadOptions } from './receive.ts'
import { assertSize, BODY_LIMIT, closeUnread, formLimit } from './size.ts'
import { createUploads } from './uploads.ts'

declare module 'fastify' {
  interface FastifyInstance {
    uploads: {
      /** Writes a file to the temporary folder and deletes it. @throws NO_ROOM */
      check: () => Promise<void>
    }
  }
  interface FastifyContextConfig {
    /**
     * The route also takes a multipart body: its text fields are the body, which the schema validates, and each of these
     * fields may hold a file, which is then in `request.uploads`.
     */
    files?: string[]
  }
  interface FastifyRequest {
    /** The files of a multipart body, by field, in a route with `config.files`; deleted after the answer. */
    readonly uploads: Files
    /**
     * Streams the one file of a multipart body to disk and calls `work`. The file is deleted when `work`
     * ends or fails, and when the client goes before the upload is complete.
     * @throws 400, 413, 415; 408 when the body arrives too slowly; 429 or 503 when too many uploads of the
     * account or of all are in progress (before the body is read); 503 when the file cannot be written to
     * the temporary folder
     */
    withFile: <T>(
      field: string,
      work: (upload: Upload) => Promise<T>,
      options?: UploadOptions,
    ) => Promise<T>
  }
}

/** Milliseconds for 8 MB from a phone on a poor network, and the work. */
const DEADLINE = 90_000

/** Prepares a route whose schema says that it consumes multipart/form-data, or whose config names files. */
function takeFiles(route: RouteOptions) {
  const { consumes = [] } = (route.schema ?? {}) as { consumes?: string[] }
  const { files } = route.config ?? {}
  const readsItself = !files && consumes.includes('multipart/form-data')
  if (readsItself || files) route.onSend = [closeUnread, route.onSend ?? []].flat()
  if (readsItself || files?.length) route.config = { deadline: DEADLINE, ...route.config }
  if (!readsItself) return
  route.bodyLimit ??= BODY_LIMIT
  // The schema documents the body and cannot validate it, because the body is a stream.
  route.validatorCompiler = () => () => true
}

const NotMultipart = createError(
  'NOT_MULTIPART',
  'Send the file as multipart/form-data with a boundary.',
  415,
)

const noRoomAdvice = () =>
  `Uploads are refused with 503 NO_ROOM, because no file can be written to ${tmpdir()}. Make room there, or set TMPDIR to a writable folder.`

export default fp<{ grace?: number }>(
  async (app, { grace = GRACE }) => {
    await app.register(multipart, { limits: { fileSize: FILE_LIMIT, headerPairs: 20 } })
    const uploads = await createUploads(app.log)
    await uploads.check().catch((err) => app.log.warn({ err }, noRoomAdvice()))
    const hold = createPlaces()
    app.addHook('onClose', () => uploads.close())
    app.addHook('onRoute', takeFiles)

    const received = new WeakMap<FastifyRequest, Files>()
    const receiveBody = createBodies({ hold, uploads, grace })
    app.decorateRequest('uploads', {
      getter(this: FastifyRequest) {
        return received.get(this) ?? {}
      },
    })

    app.addHook('preValidation', async (request, reply) => {
      const { files } = request.routeOptions.config
      if (!files || !request.isMultipart()) return
      assertUtf8Type(request.headers['content-type'])
      assertSize(request, formLimit(files.length), files.length)
      const sent = await receiveBody(request, reply, files)
      request.body = sent.fields
      received.set(request, sent.files)
    })

    app.decorate('uploads', { check: uploads.check })
    app.decorateRequest(
      'withFile',
      async function withFile(this: FastifyRequest, field, work, options) {
        if (!this.isMultipart())
          throw this.body === undefined
            ? fileMissing(field, options?.fields, options?.others)
            : new NotMultipart()
        assertUtf8Type(this.headers['content-type'])
        assertSize(this, BODY_LIMIT)
        return hold(this.viewerId ?? this.clientNetwork, () =>
          uploads.withPath(async (file) => {
            const { cancelled } = this
            // The parser would wait forever for the end of a request that has already ended.
            cancelled.throwIfAborted()
            const fields = await inPace(this, { grace, limit: BODY_LIMIT }, (signal) =>
              receive(this, field, file, { ...options, signal }),
            )
            return work({ file, fields, cancelled })
          }),
        )
      },
    )
  },
  { name: 'multipart', dependencies: ['client-address', 'deadline'] },
)
