import '../../local/node-version.ts'
import { corners } from './make.ts'

// Writes sample.* in the working directory: what the tools named in README.md start from.

const picture = () => corners(96, 64)
await picture().jpeg().toFile('sample.jpg')
await picture().png().toFile('sample.png')
await picture().webp().toFile('sample.webp')
await picture().gif().toFile('sample.gif')
await picture().avif({ effort: 2 }).toFile('sample.avif')
for (const [n, width] of [90, 60, 30, 10].entries()) {
  await corners(width, 48).resize(64, 48, { fit: 'contain' }).png().toFile(`frame-${n}.png`)
}
