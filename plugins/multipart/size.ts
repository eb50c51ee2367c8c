import { errorCodes, type FastifyReply, type FastifyRequest } from 'fastify'
import { MOST } from './form.ts'
import { FIELD_LIMIT, FILE_LIMIT, FileTooLarge } from './receive.ts'

/** Bytes of the boundaries and headers of a body. */
const FRAMING = 32 * 1024
/** Bytes that are read after a refusal, since most clients read no answer before they have sent everything. */
const PATIENCE = 64 * 1024 * 1024

/** Bytes of a body with one file and one text field. */
export const BODY_LIMIT = FILE_LIMIT + FIELD_LIMIT + FRAMING

/** Bytes of a form with so many files. */
export const formLimit = (files: number) => files * FILE_LIMIT + MOST * FIELD_LIMIT + FRAMING

const lengthOf = ({ headers }: FastifyRequest) => Number(headers['content-length'] ?? Infinity)

/** Refuses a body by its header Content-Length. @throws FileTooLarge, or BODY_TOO_LARGE where no file is taken */
export function assertSize(request: FastifyRequest, limit: number, files = 1) {
  const length = lengthOf(request)
  if (length <= limit || length === Infinity) return
  throw files > 0 ? new FileTooLarge() : new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE()
}

/** An onSend hook: closes the connection on which far more of a refused body would arrive. */
export function closeUnread(
  request: FastifyRequest,
  reply: FastifyReply,
  _payload: unknown,
  done: () => void,
) {
  if (!request.raw.complete && lengthOf(request) > PATIENCE) reply.header('connection', 'close')
  done()
}
