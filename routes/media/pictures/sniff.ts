export type Format = 'JPEG' | 'PNG' | 'GIF' | 'WebP' | 'AVIF'

/** Bytes read of an ISO base media file's first box; real boxes have some 40. */
const BRANDS_LIMIT = 256

/** WHATWG MIME Sniffing, section 6.1; AVIF v1.1, section 6. Content further on does not matter. */
export function sniff(bytes: Buffer): Format | undefined {
  const head = bytes.toString('latin1', 0, 16)
  if (head.startsWith('\xff\xd8\xff')) return 'JPEG'
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'PNG'
  if (head.startsWith('GIF87a') || head.startsWith('GIF89a')) return 'GIF'
  if (head.startsWith('RIFF') && head.startsWith('WEBP', 8)) return 'WebP'
  return head.startsWith('ftyp', 4) && brandsOf(bytes).includes('avif') ? 'AVIF' : undefined
}

/** The brands in the `ftyp` box (ISO/IEC 14496-12, section 4.3), without the version. */
function brandsOf(bytes: Buffer) {
  const end = Math.min(bytes.readUInt32BE(0), BRANDS_LIMIT, bytes.length)
  const brands = bytes.toString('latin1', 8, end).match(/.{4}/gs) ?? []
  return brands.filter((_, n) => n !== 1)
}
