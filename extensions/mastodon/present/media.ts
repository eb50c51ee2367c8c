import type { Resources } from 'birdhouse'

type Variant = { url: string; width: number; height: number }

const size = ({ width, height }: Variant) => ({
  width,
  height,
  size: `${width}x${height}`,
  aspect: width / height,
})

export function toAttachment({ id, alt, variants }: Resources['Media']) {
  const { large, medium } = variants
  return {
    id: String(id),
    type: 'image',
    url: large.url,
    preview_url: medium.url,
    remote_url: null,
    preview_remote_url: null,
    text_url: null,
    meta: { original: size(large), small: size(medium) },
    description: alt || null,
    blurhash: null,
  }
}
