import { createHash } from 'node:crypto'
import type { S3Client } from '@aws-sdk/client-s3'

/**
 * Sends Content-MD5 with DeleteObjects. The SDK's checksums are younger than most other stores, which
 * want the digest that Amazon's documentation has always asked for; Amazon takes both.
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
    // Before it is signed.
    { name: 'contentMd5', step: 'build' },
  )
}
