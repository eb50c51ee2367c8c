import { createHash } from 'node:crypto'
import type { S3Client } from '@aws-sdk/client-s3'

/**
 * Sends Content-MD5 with DeleteObjects. Most other stores require this digest and do not know the SDK's
 * newer checksums; Amazon accepts both.
 */
export function addDigests(client: S3Client) {
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const request = args.request as { headers: Record<string, string>; body?: string }
        if (commandName === 'DeleteObjectsCommand' && request.body) {
          request.headers['content-md5'] = createHash('md5').update(request.body).digest('base64')
        }
        return next(args)
      },
    { name: 'contentMd5', step: 'build' },
  )
}
