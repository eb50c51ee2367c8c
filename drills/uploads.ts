import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import sharp from 'sharp'
import type { House } from './house.ts'
import { note } from './logs.ts'
import { signUp } from './sign-up.ts'

type Picture = { variants: Record<string, { url: string }> }

/** Sends one picture after the other. @returns a function that ends it and looks what became of each */
export async function startUploads(house: House) {
  const create = { width: 600, height: 400, channels: 3, background: 'teal' } as const
  const picture = new Blob([new Uint8Array(await sharp({ create }).jpeg().toBuffer())])
  const authorization = `Bearer ${await signUp(house.url)}`
  const stored: Picture[] = []
  const refused: Record<string, number> = {}
  let longest = 0
  let over = false

  async function upload() {
    const body = new FormData()
    body.append('file', picture)
    const begun = performance.now()
    const response = await fetch(`${house.url}/v1/media`, {
      method: 'POST',
      headers: { authorization },
      body,
    })
    longest = Math.max(longest, performance.now() - begun)
    const answer = await response.json()
    if (response.ok) return void stored.push(answer as Picture)
    const why = `${response.status} ${(answer as { code: string }).code}`
    refused[why] = (refused[why] ?? 0) + 1
    note(`upload: ${why}`)
  }

  const running = (async () => {
    while (!over) await upload()
  })()

  return async function end() {
    over = true
    await running
    let missing = 0
    for (const { url } of stored.flatMap(({ variants }) => Object.values(variants)))
      if (!(await fetch(url)).ok) missing++
    return {
      'pictures stored': stored.length,
      'pictures refused': JSON.stringify(refused),
      'longest upload, s': Math.round(longest / 100) / 10,
      'objects missing': missing,
      'objects without a row, for the sweep': await withoutRow(house),
    }
  }
}

async function withoutRow({ env }: House) {
  const client = new S3Client({
    endpoint: env.S3_ENDPOINT,
    region: env.S3_REGION ?? '',
    forcePathStyle: true,
    credentials: {
      accessKeyId: env.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? '',
    },
  })
  const list = new ListObjectsV2Command({ Bucket: env.S3_BUCKET ?? '', Prefix: 'media/' })
  const { Contents = [] } = await client.send(list)
  client.destroy()
  const connection = await createConnection(env.DATABASE_URL)
  const [rows] = await connection.query<RowDataPacket[]>('SELECT `key` FROM media')
  await connection.end()
  const known = new Set(rows.map(({ key }) => key))
  return Contents.filter(({ Key = '' }) => !known.has(Key.split('/')[1])).length
}
