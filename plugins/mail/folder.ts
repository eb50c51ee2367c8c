import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyBaseLogger } from 'fastify'
import { createTransport } from 'nodemailer'
import type { Deliver } from './message.ts'

/** Keeps mails as files that only this user reads, for development. */
export function createFolder(folder: string, log: FastifyBaseLogger): Deliver {
  const transport = createTransport({ streamTransport: true, buffer: true })
  return async ({ to, ...message }) => {
    const { message: bytes } = await transport.sendMail({
      ...message,
      to: { name: '', address: to },
    })
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const file = join(folder, `${Date.now()}-${randomBytes(4).toString('hex')}.eml`)
    await writeFile(file, bytes as Buffer, { mode: 0o600, flag: 'wx' })
    log.info({ file }, 'mail kept as a file, because MAIL_URL is not set')
  }
}
