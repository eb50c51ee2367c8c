import { RemovalPolicy, type Stack } from 'aws-cdk-lib'
import { Port } from 'aws-cdk-lib/aws-ec2'
import { CfnReplicationGroup, CfnSubnetGroup } from 'aws-cdk-lib/aws-elasticache'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { acknowledge } from './acknowledge.ts'
import type { Network } from './network.ts'

/** Not 6379, which is the first that is tried. */
const PORT = 6479

/** Redis counts limits for all processes. Nothing in it has to survive. */
export function createRedis(stack: Stack, { vpc, machines, stores }: Network) {
  const token = new Secret(stack, 'RedisToken', {
    description: 'The password of Redis',
    generateSecretString: { passwordLength: 48, excludePunctuation: true },
    removalPolicy: RemovalPolicy.DESTROY,
  })
  acknowledge(token, 'SMG4', 'Redis is open to the machines alone; an operator rotates it.')
  const subnets = new CfnSubnetGroup(stack, 'RedisSubnets', {
    description: 'The subnets of the stores',
    subnetIds: vpc.isolatedSubnets.map(({ subnetId }) => subnetId),
  })
  const group = new CfnReplicationGroup(stack, 'Redis', {
    replicationGroupDescription: 'Limits of Birdhouse',
    engine: 'valkey',
    cacheNodeType: 'cache.t4g.small',
    numCacheClusters: 2,
    automaticFailoverEnabled: true,
    multiAzEnabled: true,
    port: PORT,
    transitEncryptionEnabled: true,
    atRestEncryptionEnabled: true,
    authToken: token.secretValue.unsafeUnwrap(),
    cacheSubnetGroupName: subnets.ref,
    securityGroupIds: [stores.securityGroupId],
  })
  stores.addIngressRule(machines, Port.tcp(PORT), 'The machines use Redis')
  return { token, address: group.attrPrimaryEndPointAddress, port: PORT }
}

export type Redis = ReturnType<typeof createRedis>
