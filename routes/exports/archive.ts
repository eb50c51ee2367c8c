import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { FastifyInstance } from 'birdhouse'
import { ZipFile } from 'yazl'

/** A list in JSON, a row on each line. */
async function* toJson(rows: AsyncIterable<object>) {
  let before = '['
  for await (const row of rows) {
    yield `${before}\n${JSON.stringify(row)}`
    before = ','
  }
  yield before === '[' ? '[]\n' : '\n]\n'
}

const isMissing = (error: unknown) =>
  error instanceof Error && (error.cause as Error | undefined)?.name === 'NoSuchKey'

/** Undefined for an object that was deleted since its row was read. @throws StorageUnavailable */
async function bytesOf({ s3 }: FastifyInstance, key: string) {
  try {
    return Buffer.from(await s3.get(key))
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/**
 * Returns the ZIP of all that features hold about the account. A page of rows or one picture is in memory at a time,
 * beside the names of the files.
 */
export function archiveOf(app: FastifyInstance, userId: number, signal: AbortSignal) {
  const zip = new ZipFile()
  const { walk } = app.exports
  const output = zip.outputStream as Readable

  /** Ends when the file has been read, so that files are opened one after the other. */
  async function addFile(path: string, content: Readable, compress: boolean) {
    zip.addReadStream(content, path, { compress })
    await finished(content, { signal })
  }

  async function fill() {
    for (const [name, { rows, files }] of app.exports.all()) {
      await addFile(`${name}.json`, Readable.from(toJson(walk(rows, userId))), true)
      if (!files) continue
      for await (const { path, key } of walk(files, userId)) {
        const bytes = await bytesOf(app, key)
        // Pictures are compressed already.
        if (bytes) await addFile(`${name}/${path}`, Readable.from([bytes]), false)
      }
    }
    zip.end()
  }

  const fail = (error: Error) => void output.destroy(error)
  zip.on('error', fail)
  fill().catch(fail)
  return output as AsyncIterable<Buffer>
}
