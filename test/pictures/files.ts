import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import type { Test } from 'tap'
import { close, toVariants } from '../../routes/media/pictures/index.ts'

/** The path of a file of this folder. */
export const kept = (name: string) => join(import.meta.dirname, name)

/** Writes bytes to files, which are gone after the test, as are the workers. */
export function fileWriter(t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'birdhouse-pictures-'))
  let count = 0
  t.teardown(async () => {
    await close()
    rmSync(folder, { recursive: true })
  })
  return (bytes: Buffer | string) => {
    const file = join(folder, String(++count))
    writeFileSync(file, bytes)
    return file
  }
}

/** The largest variant, decoded. */
export async function largestOf(file: string) {
  const { variants } = await toVariants(file)
  return pixelsOf(variants.at(-1)?.bytes)
}

/** The first frame as RGBA, and the colour at a place given from 0 to 1. */
export async function pixelsOf(bytes: Buffer | undefined) {
  const { data, info } = await sharp(bytes)
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const { width, height } = info
  const at = (x: number, y: number) => {
    const place = (Math.floor(y * height) * width + Math.floor(x * width)) * 4
    return [...data.subarray(place, place + 4)] as [number, number, number, number]
  }
  return { width, height, at }
}

/** The largest difference of a channel. */
export const distance = (a: readonly number[], b: readonly number[]) =>
  Math.max(...b.map((value, n) => Math.abs(value - (a[n] ?? 0))))

/** The error that a call was refused with. */
export async function refusal(work: Promise<unknown>) {
  const start = performance.now()
  try {
    await work
  } catch (error) {
    const { code, statusCode, message } = error as Record<string, any>
    return { code, statusCode, message, ms: performance.now() - start }
  }
  return { code: 'DONE', statusCode: 200, message: '', ms: performance.now() - start }
}

/** Whether RIFF chunks are in it that hold more than pixels and frames, by their names. */
export function chunksOf(webp: Buffer) {
  const names: string[] = []
  for (
    let at = 12;
    at < webp.length;
    at += 8 + webp.readUInt32LE(at + 4) + ((webp[at + 4] ?? 0) % 2)
  )
    names.push(webp.toString('latin1', at, at + 4))
  return names
}
