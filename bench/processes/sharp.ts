import pLimit from 'p-limit'
import sharp from 'sharp'
import { answer } from './ask.ts'

// The same variants in a bare loop over files, two at a time.

const CONCURRENCY = 2
const LIMITS = [1600, 800, 320]
const QUALITY = 82

sharp.cache(false)

async function make(file: string) {
  const { data, info } = await sharp(file)
    .autoOrient()
    .resize(LIMITS[0], LIMITS[0], { fit: 'inside', withoutEnlargement: true })
    .raw()
    .toBuffer({ resolveWithObject: true })
  const { width, height, channels } = info
  for (const limit of LIMITS) {
    await sharp(data, { raw: { width, height, channels } })
      .resize(limit, limit, { fit: 'inside', withoutEnlargement: true })
      .webp({ quality: QUALITY })
      .toBuffer()
  }
}

answer<{ files: string[] }>(async ({ files }) => {
  const limit = pLimit(CONCURRENCY)
  const start = performance.now()
  await Promise.all(files.map((file) => limit(make, file)))
  return { seconds: (performance.now() - start) / 1000 }
})
