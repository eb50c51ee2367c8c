import type { Stack } from 'aws-cdk-lib'
import { UserData } from 'aws-cdk-lib/aws-ec2'
import type { Parts } from './parts.ts'

/** Fetches the artefact and starts it; machine/set-up.sh, a part of the artefact, does the rest. */
export function createUserData(
  stack: Stack,
  { network, buckets, database, secrets, redis, options }: Parts,
) {
  const { media, artefacts, cdn } = buckets
  const settings = {
    NODE_ENV: 'production',
    S3_BUCKET: media.bucketName,
    S3_REGION: stack.region,
    AWS_REGION: stack.region,
    MEDIA_BASE_URL: `https://${cdn.distributionDomainName}`,
    DATABASE_TLS: 'verify',
    DATABASE_CA: 'amazon-rds',
    TRUST_PROXY: network.vpc.vpcCidrBlock,
    METRICS_PORT: '9464',
  }
  const sources = {
    DATABASE_SECRET: database.user.secretArn,
    DATABASE_ADDRESS: `${database.instance.dbInstanceEndpointAddress}:${database.port}`,
    JWT_SECRET: secrets.jwt.secretArn,
    SECOND_FACTOR_SECRET: secrets.secondFactor.secretArn,
    ...(redis && {
      REDIS_SECRET: redis.token.secretArn,
      REDIS_ADDRESS: `${redis.address}:${redis.port}`,
    }),
  }
  const file = (path: string, values: Record<string, string>) =>
    `cat > ${path} <<'END'\n${Object.entries(values)
      .map(([name, value]) => `${name}=${value}`)
      .join('\n')}\nEND`
  const userData = UserData.forLinux()
  userData.addCommands(
    'set -euo pipefail',
    'mkdir -p /etc/birdhouse /srv/birdhouse',
    file('/etc/birdhouse/settings', settings),
    file('/etc/birdhouse/sources', sources),
    `aws s3 cp s3://${artefacts.bucketName}/${options.release}.tar.gz - | tar -xz -C /srv/birdhouse`,
    '/srv/birdhouse/deploy/aws/machine/set-up.sh',
  )
  return userData
}
