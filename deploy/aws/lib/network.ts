import type { Stack } from 'aws-cdk-lib'
import {
  FlowLogDestination,
  GatewayVpcEndpointAwsService,
  IpAddresses,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'

export type Network = ReturnType<typeof createNetwork>

/** The load balancer is public, the machines are private, the stores have no way out. */
export function createNetwork(stack: Stack) {
  const vpc = new Vpc(stack, 'Network', {
    ipAddresses: IpAddresses.cidr('10.0.0.0/16'),
    maxAzs: 2,
    // One for each zone: a zone that fails takes nothing of the other with it.
    natGateways: 2,
    subnetConfiguration: [
      { name: 'public', subnetType: SubnetType.PUBLIC, mapPublicIpOnLaunch: false },
      { name: 'machines', subnetType: SubnetType.PRIVATE_WITH_EGRESS },
      { name: 'stores', subnetType: SubnetType.PRIVATE_ISOLATED },
    ],
    gatewayEndpoints: { S3: { service: GatewayVpcEndpointAwsService.S3 } },
  })
  vpc.addFlowLog('Flows', {
    destination: FlowLogDestination.toCloudWatchLogs(
      new LogGroup(stack, 'FlowLog', { retention: RetentionDays.THREE_MONTHS }),
    ),
  })
  const group = (id: string, description: string, allowAllOutbound = false) =>
    new SecurityGroup(stack, id, { vpc, description, allowAllOutbound })
  return {
    vpc,
    balancers: group('BalancerGroup', 'The load balancer'),
    // Machines fetch packages of the system and send mail.
    machines: group('MachineGroup', 'The machines of the service', true),
    stores: group('StoreGroup', 'The database and Redis'),
  }
}
