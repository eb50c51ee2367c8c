import assert from 'node:assert/strict'
import test from 'node:test'
import { App, Validations } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { AwsSolutionsChecks } from 'cdk-nag'
import cdk from '../cdk.json' with { type: 'json' }
import type { Options } from '../lib/options.ts'
import { BirdhouseStack } from '../lib/stack.ts'
import agent from '../machine/agent.json' with { type: 'json' }

const OPTIONS: Options = {
  region: 'eu-central-1',
  certificateArn: 'arn:aws:acm:eu-central-1:111111111111:certificate/example',
  release: 'v1',
  alarmEmail: 'operator@example.com',
  machines: 2,
  instanceType: 'c7i.large',
  databaseType: 'm7g.large',
  redis: true,
}

function synthesize(options = OPTIONS) {
  const app = new App({ context: cdk.context })
  const stack = new BirdhouseStack(app, 'Birdhouse', options)
  return { app, stack }
}

const template = Template.fromStack(synthesize().stack)
const propertiesOf = (type: string) =>
  Object.values(template.findResources(type)).map(({ Properties }) => Properties)

test('the rules of AWS Solutions hold, or a reason stands beside what they do not apply to', () => {
  const { app } = synthesize()
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
  // Throws where a rule is broken.
  app.synth()
})

test('the database is private, encrypted, in two zones, and cannot be deleted by mistake', () => {
  template.hasResource('AWS::RDS::DBInstance', {
    DeletionPolicy: 'Snapshot',
    Properties: {
      PubliclyAccessible: false,
      StorageEncrypted: true,
      MultiAZ: true,
      DeletionProtection: true,
      BackupRetentionPeriod: 14,
    },
  })
  template.hasResourceProperties('AWS::RDS::DBParameterGroup', {
    Parameters: Match.objectLike({ require_secure_transport: 'ON' }),
  })
  template.resourceCountIs('AWS::SecretsManager::RotationSchedule', 2)
})

test('only the load balancer takes connections from the internet', () => {
  const groups = propertiesOf('AWS::EC2::SecurityGroup')
  const open = groups.filter((group) => JSON.stringify(group).includes('"CidrIp":"0.0.0.0/0","D'))
  const isOpenFor = (group: { SecurityGroupIngress?: { CidrIp: string; FromPort: number }[] }) =>
    (group.SecurityGroupIngress ?? []).map(({ FromPort }) => FromPort)
  assert.deepEqual(open.flatMap(isOpenFor).sort(), [443, 80])
})

test('no statement of a policy allows every action, and none allows an action on everything', () => {
  const statements = [...propertiesOf('AWS::IAM::Policy'), ...propertiesOf('AWS::IAM::Role')]
    .flatMap(({ PolicyDocument, Policies = [] }) => [
      ...(PolicyDocument?.Statement ?? []),
      ...Policies.flatMap(
        (policy: { PolicyDocument: { Statement: object[] } }) => policy.PolicyDocument.Statement,
      ),
    ])
    .filter(({ Effect }) => Effect === 'Allow')
  assert.ok(statements.length > 5)
  for (const { Action, Resource } of statements) {
    assert.ok(
      [Action].flat().every((action) => !/^\*$|^\w+:\*$/.test(action)),
      String(Action),
    )
    assert.ok(![Resource].flat().includes('*'), JSON.stringify({ Action, Resource }))
  }
  template.resourceCountIs('AWS::IAM::AccessKey', 0)
})

test('buckets are private, encrypted and kept; pictures are read through CloudFront alone', () => {
  const buckets = Object.values(template.findResources('AWS::S3::Bucket'))
  assert.equal(buckets.length, 3)
  for (const { DeletionPolicy, Properties } of buckets) {
    assert.equal(DeletionPolicy, 'Retain')
    assert.ok(Properties.BucketEncryption)
    assert.ok(
      Object.values(Properties.PublicAccessBlockConfiguration).every((value) => value === true),
    )
  }
  template.resourceCountIs('AWS::CloudFront::OriginAccessControl', 1)
  template.hasResourceProperties('AWS::CloudFront::ResponseHeadersPolicy', {
    ResponseHeadersPolicyConfig: {
      SecurityHeadersConfig: Match.objectLike({ ContentTypeOptions: { Override: true } }),
    },
  })
})

test('machines drain for longer than the service, and are checked on the cheap path', () => {
  template.hasResourceProperties('AWS::ElasticLoadBalancingV2::TargetGroup', {
    HealthCheckPath: '/livez',
    TargetGroupAttributes: Match.arrayWith([
      { Key: 'deregistration_delay.timeout_seconds', Value: '30' },
    ]),
  })
  template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
    LoadBalancerAttributes: Match.arrayWith([
      { Key: 'deletion_protection.enabled', Value: 'true' },
      { Key: 'idle_timeout.timeout_seconds', Value: '60' },
    ]),
  })
  template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', { MinSize: '2' })
})

test('every log has an end of its keeping', () => {
  for (const { RetentionInDays } of propertiesOf('AWS::Logs::LogGroup'))
    assert.equal(RetentionInDays, 90)
})

test('each alarm on a metric of the service watches a series that the agent of a machine sends', () => {
  const { metric_declaration: declared } = agent.logs.metrics_collected.prometheus.emf_processor
  const sent = declared.flatMap(({ dimensions, metric_selectors: names }) =>
    names.map((name) => `${name.slice(1, -1)} by ${dimensions.flat()}`),
  )
  const watched = propertiesOf('AWS::CloudWatch::Alarm')
    .filter(({ Namespace }) => Namespace === 'Birdhouse')
    .map(({ MetricName, Dimensions }) => {
      const names = Dimensions.map(({ Name }: { Name: string }) => Name)
      return `${MetricName} by ${names}`
    })
  assert.deepEqual(watched.sort(), sent.sort())
})

test('the password of a user that does not exist yet is not rotated', () => {
  const schedules = propertiesOf('AWS::SecretsManager::RotationSchedule')
  assert.equal(schedules.filter((one) => one.RotateImmediatelyOnUpdate === false).length, 1)
})

test('machines have no key, and use tokens for their role', () => {
  const [machine] = propertiesOf('AWS::EC2::LaunchTemplate')
  assert.equal(machine.LaunchTemplateData.KeyName, undefined)
  assert.equal(machine.LaunchTemplateData.MetadataOptions.HttpTokens, 'required')
})

test('a machine reports whether its release has started, and a deployment waits for it', () => {
  const [machine] = propertiesOf('AWS::EC2::LaunchTemplate')
  assert.match(
    JSON.stringify(machine.LaunchTemplateData.UserData),
    /cfn-signal --stack .*-e \$exitCode/,
  )
  template.hasResource('AWS::AutoScaling::AutoScalingGroup', {
    UpdatePolicy: {
      AutoScalingRollingUpdate: Match.objectLike({
        WaitOnResourceSignals: true,
        MinInstancesInService: 2,
      }),
    },
  })
})

test('the first deployment has no machine', () => {
  const first = Template.fromStack(synthesize({ ...OPTIONS, machines: 0 }).stack)
  first.hasResource('AWS::AutoScaling::AutoScalingGroup', {
    CreationPolicy: Match.absent(),
    Properties: { MinSize: '0' },
  })
})

test('Redis can be left out', () => {
  const without = Template.fromStack(synthesize({ ...OPTIONS, redis: false }).stack)
  without.resourceCountIs('AWS::ElastiCache::ReplicationGroup', 0)
  template.hasResourceProperties('AWS::ElastiCache::ReplicationGroup', {
    TransitEncryptionEnabled: true,
    AtRestEncryptionEnabled: true,
  })
})
