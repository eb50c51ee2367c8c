import { Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib'
import {
  Distribution,
  HttpVersion,
  ResponseHeadersPolicy,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront'
import { S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins'
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3'
import { acknowledge } from './acknowledge.ts'

export type Buckets = ReturnType<typeof createBuckets>

const CLOSED = {
  blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
  encryption: BucketEncryption.S3_MANAGED,
  enforceSSL: true,
  removalPolicy: RemovalPolicy.RETAIN,
}

export function createBuckets(stack: Stack) {
  const logs = new Bucket(stack, 'Logs', {
    ...CLOSED,
    // CloudFront writes its logs with an ACL.
    objectOwnership: ObjectOwnership.BUCKET_OWNER_PREFERRED,
    lifecycleRules: [{ expiration: Duration.days(90) }],
  })
  acknowledge(logs, 'S1', 'It holds the access logs of the others.')
  const bucket = (id: string, keepOld: number) =>
    new Bucket(stack, id, {
      ...CLOSED,
      versioned: true,
      lifecycleRules: [{ noncurrentVersionExpiration: Duration.days(keepOld) }],
      serverAccessLogsBucket: logs,
      serverAccessLogsPrefix: `${id.toLowerCase()}/`,
    })
  const media = bucket('Media', 30)
  const artefacts = bucket('Artefacts', 365)
  const cdn = new Distribution(stack, 'Cdn', {
    comment: 'Pictures of Birdhouse',
    defaultBehavior: {
      origin: S3BucketOrigin.withOriginAccessControl(media),
      viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
      responseHeadersPolicy: new ResponseHeadersPolicy(stack, 'PictureHeaders', {
        securityHeadersBehavior: {
          contentTypeOptions: { override: true },
          contentSecurityPolicy: {
            contentSecurityPolicy: "default-src 'none'",
            override: true,
          },
        },
        customHeadersBehavior: {
          customHeaders: [
            { header: 'cross-origin-resource-policy', value: 'cross-origin', override: true },
          ],
        },
      }),
    },
    httpVersion: HttpVersion.HTTP2_AND_3,
    enableLogging: true,
    logBucket: logs,
    logFilePrefix: 'cdn/',
  })
  acknowledge(cdn, 'CFR1', 'The service is open to all countries.')
  acknowledge(
    cdn,
    'CFR2',
    'It serves files of a bucket alone; there is nothing to attack by a request.',
  )
  acknowledge(cdn, 'CFR4', "CloudFront's own name has its own certificate, which allows TLS 1.0.")
  return { logs, media, artefacts, cdn }
}
