import { buffer, json } from 'node:stream/consumers'
import yauzl from 'yauzl'

/** The files of a ZIP by their paths; a file that ends in .json as the value that it holds. */
export async function filesOf(zip: Buffer) {
  const files: Record<string, any> = {}
  const archive = await yauzl.fromBufferPromise(zip)
  for await (const entry of archive.eachEntry()) {
    const stream = await archive.openReadStreamPromise(entry)
    files[entry.fileName] = await (entry.fileName.endsWith('.json') ? json : buffer)(stream)
  }
  return files
}
