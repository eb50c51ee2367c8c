import { Readable } from 'node:stream'
import createError from '@fastify/error'
import type { FastifyInstance, FastifyRequest } from 'birdhouse'

/** Downloads at once in a process; each has a part of an archive in memory. */
const AT_ONCE = 8
/** Milliseconds for one download, so that slow clients do not keep others out. */
const LIFE = 15 * 60_000

const DownloadInProgress = createError(
  'DOWNLOAD_IN_PROGRESS',
  'You are downloading an archive already; wait until that ends.',
  429,
)
const TooBusy = createError(
  'TOO_BUSY',
  'Too many archives are being downloaded; try again in a minute.',
  503,
)

/** Bounds the downloads of archives, one of each account. */
export function createDownloads(app: FastifyInstance) {
  const accounts = new Set<number>()

  /** Returns the download, which has a place until its stream is closed. @throws DownloadInProgress, TooBusy */
  function bound(userId: number, content: AsyncIterable<Buffer>) {
    if (accounts.has(userId)) throw new DownloadInProgress()
    if (accounts.size >= AT_ONCE) throw new TooBusy()
    accounts.add(userId)
    const stream = Readable.from(content, { signal: AbortSignal.timeout(LIFE) })
    stream.once('close', () => accounts.delete(userId))
    return stream
  }

  /** The archive as a stream, for its owner alone. @throws ExportNotFound, DownloadInProgress, TooBusy */
  async function download({ viewer, clientAddress, cancelled }: FastifyRequest, id: number) {
    const { userId } = viewer
    const { bytes, createdAt, content } = await app.dataExports.open(userId, id)
    // The end of a connection that has ended already would free no place.
    cancelled.throwIfAborted()
    const stream = bound(userId, content)
    app.securityLog('sensitive_read', { userId, address: clientAddress, object: 'export' })
    return { bytes, name: `birdhouse-${createdAt.toISOString().slice(0, 10)}.zip`, stream }
  }

  return { download }
}
