import type { FastifyInstance, Resources } from 'birdhouse'
import { stable } from './pictures.ts'

type Variant = { url: string; width: number; height: number }

const size = ({ width, height }: Variant) => ({
  width,
  height,
  size: `${width}x${height}`,
  aspect: width / height,
})

export function toAttachment(
  app: FastifyInstance,
  { id, alt, variants }: Resources['Media'],
  origin: string,
) {
  const { large, medium } = variants
  return {
    id: String(id),
    type: 'image',
    url: stable(app, large.url, origin),
    preview_url: stable(app, medium.url, origin),
    remote_url: null,
    preview_remote_url: null,
    text_url: null,
    meta: { original: size(large), small: size(medium) },
    description: alt || null,
    blurhash: null,
  }
}
