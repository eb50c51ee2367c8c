import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import sharp from 'sharp'
import { type App, call } from './helper.ts'

type Token = { token: string } | undefined
type Upload = { as?: Token; field?: string; name?: string; type?: string }

/** A multipart body with one file. */
export function formOf(bytes: Buffer, { field = 'file', name = 'a.bin', type = '' }: Upload = {}) {
  const form = new FormData()
  form.append(field, new Blob([new Uint8Array(bytes)], { type }), name)
  return form
}

/** A multipart body with these parts, in order. */
export function formWith(...parts: [string, string | Blob][]) {
  const form = new FormData()
  for (const [name, value] of parts) form.append(name, value)
  return form
}

/** Sends a form to the avatar route, or another. */
export const sendForm = (app: App, as: Token, form: FormData, line = 'PUT /v1/users/me/avatar') =>
  call(app, line, { as, body: form })

/** Uploads a profile picture. */
export const upload = (app: App, bytes: Buffer, options: Upload = {}) =>
  sendForm(app, options.as, formOf(bytes, options))

/** The key of the object that a public URL leads to, signed or not. */
export const keyOf = (app: App, url: string) =>
  url.replace(`${app.s3.base}/`, '').replace(/\?.*/, '')

/** Uploads a picture for a tweet. */
export function postMedia(app: App, as: Token, bytes: Buffer, alt?: string) {
  const form = formOf(bytes)
  if (alt !== undefined) form.append('alt', alt)
  return sendForm(app, as, form, 'POST /v1/media')
}

/** The same, and it must succeed; returns the picture. */
export async function newMedia(app: App, as: Token, bytes: Buffer, alt?: string) {
  const { status, body } = await postMedia(app, as, bytes, alt)
  if (status !== 201) throw new Error(`${status}: ${JSON.stringify(body)}`)
  return body
}

/** A picture of one colour. */
export const plain = (width = 40, height = 30, background = 'teal') =>
  sharp({ create: { width, height, channels: 3, background } })
    .jpeg()
    .toBuffer()

/** The keys of all objects in the bucket. */
export async function objectKeys({ s3, config }: App) {
  const command = new ListObjectsV2Command({ Bucket: config.s3.bucket })
  const { Contents = [] } = await s3.client.send(command)
  return Contents.map(({ Key }) => Key ?? '').sort()
}

/** The temporary files of uploads in a process. */
export function uploadedFiles(pid: number) {
  const folders = readdirSync(tmpdir()).filter((name) =>
    new RegExp(`^birdhouse-uploads-.*-${pid}-[0-9a-f]{8}-`).test(name),
  )
  return folders.flatMap((folder) => readdirSync(join(tmpdir(), folder)))
}

/** The keys that a sweep would find if all objects were old; some stores round their times up. */
export async function orphanKeys(app: App) {
  const orphans: string[] = []
  for await (const page of app.media.sweep.walk('', -1_000)) orphans.push(...page.orphans)
  return orphans.sort()
}
