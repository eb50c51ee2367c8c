import { decode } from './decode.ts'
import { encode } from './encode.ts'
import { inspect } from './inspect.ts'
import type { Box } from './workers.ts'

/** Crops the centre of the first frame to each box; enlarges a picture that is too small. */
export async function toCovers(file: string, boxes: Box[]) {
  const picture = await inspect(file)
  const { width, height } = picture
  const scales = boxes.map((box) => Math.max(box.width / width, box.height / height))
  const first = await decode(picture, Math.min(1, Math.max(...scales)))
  const covers: Buffer[] = []
  for (const box of boxes) {
    covers.push(await encode(first.open().resize({ ...box, fit: 'cover' })))
  }
  return covers
}
