import { Duration, type Stack } from 'aws-cdk-lib'
import {
  AdditionalHealthCheckType,
  AutoScalingGroup,
  BlockDeviceVolume,
  EbsDeviceVolumeType,
  GroupMetrics,
  HealthChecks,
  Signals,
  UpdatePolicy,
} from 'aws-cdk-lib/aws-autoscaling'
import {
  InstanceType,
  LaunchTemplate,
  MachineImage,
  Peer,
  Port,
  SubnetType,
} from 'aws-cdk-lib/aws-ec2'
import {
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ListenerAction,
  SslPolicy,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2'
import { acknowledge } from './acknowledge.ts'
import type { Parts } from './parts.ts'
import { createRole } from './role.ts'
import { createUserData } from './user-data.ts'

const PORT = 3000
/** The service drains within 25 s (CLOSE_TIMEOUT in server.ts). */
const DEREGISTRATION = Duration.seconds(30)
/** Shorter than KEEP_ALIVE_TIMEOUT in app.ts, so that the balancer never uses a closed connection. */
const IDLE = Duration.seconds(60)

export function createService(stack: Stack, parts: Parts) {
  const { network, buckets, options } = parts
  const { vpc, machines, balancers } = network
  const role = createRole(stack, parts)
  const userData = createUserData(stack, parts)
  const group = new AutoScalingGroup(stack, 'Machines', {
    vpc,
    vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
    minCapacity: options.machines,
    maxCapacity: Math.max(6, options.machines * 2),
    launchTemplate: new LaunchTemplate(stack, 'Machine', {
      instanceType: new InstanceType(options.instanceType),
      machineImage: MachineImage.latestAmazonLinux2023(),
      role,
      securityGroup: machines,
      userData,
      requireImdsv2: true,
      detailedMonitoring: true,
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          volume: BlockDeviceVolume.ebs(30, {
            encrypted: true,
            volumeType: EbsDeviceVolumeType.GP3,
          }),
        },
      ],
    }),
    healthChecks: HealthChecks.withAdditionalChecks({
      additionalTypes: [AdditionalHealthCheckType.ELB],
      gracePeriod: Duration.minutes(5),
    }),
    groupMetrics: [GroupMetrics.all()],
    // A release that does not start leaves the old machines in service and fails the deployment.
    ...(options.machines > 0 && {
      signals: Signals.waitForMinCapacity({ timeout: Duration.minutes(10) }),
      updatePolicy: UpdatePolicy.rollingUpdate({
        maxBatchSize: 1,
        minInstancesInService: options.machines,
      }),
    }),
  })
  userData.addSignalOnExitCommand(group)
  group.scaleOnCpuUtilization('Load', { targetUtilizationPercent: 60 })
  acknowledge(group, 'AS3', 'The alarms of this stack tell of lost machines.')

  const balancer = new ApplicationLoadBalancer(stack, 'Balancer', {
    vpc,
    internetFacing: true,
    securityGroup: balancers,
    vpcSubnets: { subnetType: SubnetType.PUBLIC },
    deletionProtection: true,
    dropInvalidHeaderFields: true,
    idleTimeout: IDLE,
  })
  balancer.logAccessLogs(buckets.logs, 'balancer')
  for (const port of [443, 80]) balancers.addIngressRule(Peer.anyIpv4(), Port.tcp(port))
  acknowledge(balancers, 'EC23', 'The load balancer is the public door: ports 443 and 80.')
  balancer.addListener('Http', {
    port: 80,
    open: false,
    defaultAction: ListenerAction.redirect({ protocol: 'HTTPS', port: '443', permanent: true }),
  })
  const listener = balancer.addListener('Https', {
    port: 443,
    open: false,
    protocol: ApplicationProtocol.HTTPS,
    sslPolicy: SslPolicy.RECOMMENDED_TLS,
    certificates: [{ certificateArn: options.certificateArn }],
  })
  const targets = listener.addTargets('Service', {
    port: PORT,
    protocol: ApplicationProtocol.HTTP,
    targets: [group],
    deregistrationDelay: DEREGISTRATION,
    // Not /readyz: a store that is away would take all machines out, and replace them again and again.
    healthCheck: { path: '/livez', interval: Duration.seconds(10), healthyThresholdCount: 2 },
  })
  return { group, balancer, targets }
}
