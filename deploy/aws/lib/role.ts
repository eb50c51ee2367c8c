import { RemovalPolicy, type Stack } from 'aws-cdk-lib'
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { CfnBucket } from 'aws-cdk-lib/aws-s3'
import { acknowledge } from './acknowledge.ts'
import type { Parts } from './parts.ts'

/** The names in machine/agent.json: lines of the service, and its metrics on their way to CloudWatch. */
const LOGS = { ServiceLog: '/birdhouse/service', MetricsLog: '/birdhouse/metrics' }

/** The rights of a machine: its pictures, one artefact, the secrets of the service and its log. */
export function createRole(stack: Stack, { buckets, database, secrets, redis, options }: Parts) {
  const role = new Role(stack, 'MachineRole', {
    assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
    managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName('AmazonSSMManagedInstanceCore')],
  })
  const shell = 'IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AmazonSSMManagedInstanceCore]'
  acknowledge(role, shell, 'Operators open a shell through Session Manager, so there is no SSH.')
  const { media, artefacts } = buckets
  const statement = (actions: string[], resources: string[]) =>
    role.addToPrincipalPolicy(new PolicyStatement({ actions, resources }))
  statement(['s3:PutObject', 's3:GetObject', 's3:DeleteObject'], [media.arnForObjects('*')])
  statement(['s3:ListBucket'], [media.bucketArn])
  statement(['s3:GetObject'], [artefacts.arnForObjects(`${options.release}.tar.gz`)])
  for (const secret of [database.user, secrets.jwt, secrets.secondFactor, redis?.token])
    secret?.grantRead(role)
  for (const [id, logGroupName] of Object.entries(LOGS)) {
    const retention = RetentionDays.THREE_MONTHS
    const removalPolicy = RemovalPolicy.RETAIN
    new LogGroup(stack, id, { logGroupName, retention, removalPolicy }).grantWrite(role)
  }
  const bucketId = stack.getLogicalId(media.node.defaultChild as CfnBucket)
  acknowledge(
    role,
    `IAM5[Resource::<${bucketId}.Arn>/*]`,
    'All objects of its bucket, and no other.',
  )
  return role
}
