import { Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib'
import { InstanceType, Port, SubnetType } from 'aws-cdk-lib/aws-ec2'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import {
  Credentials,
  DatabaseInstance,
  DatabaseInstanceEngine,
  DatabaseSecret,
  MysqlEngineVersion,
  ParameterGroup,
} from 'aws-cdk-lib/aws-rds'
import type { Network } from './network.ts'
import type { Options } from './options.ts'

const NAME = 'birdhouse'
/** Not 3306, which is the first that is tried. */
const PORT = 3406

const LOGS = ['error', 'slowquery']

export type Database = ReturnType<typeof createDatabase>

export function createDatabase(stack: Stack, network: Network, options: Options) {
  const engine = DatabaseInstanceEngine.mysql({ version: MysqlEngineVersion.VER_8_4_8 })
  const parameterGroup = new ParameterGroup(stack, 'DatabaseParameters', {
    engine,
    parameters: { require_secure_transport: 'ON', slow_query_log: '1', long_query_time: '1' },
  })
  const logGroups = LOGS.map(
    (log) =>
      new LogGroup(stack, `DatabaseLog-${log}`, {
        logGroupName: `/aws/rds/instance/${NAME}/${log}`,
        retention: RetentionDays.THREE_MONTHS,
      }),
  )
  const master = new DatabaseSecret(stack, 'MasterSecret', { username: 'operator' })
  const instance = new DatabaseInstance(stack, 'Database', {
    instanceIdentifier: NAME,
    engine,
    parameterGroup,
    vpc: network.vpc,
    vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
    securityGroups: [network.stores],
    instanceType: new InstanceType(options.databaseType),
    port: PORT,
    databaseName: NAME,
    credentials: Credentials.fromSecret(master),
    multiAz: true,
    publiclyAccessible: false,
    storageEncrypted: true,
    allocatedStorage: 100,
    maxAllocatedStorage: 1_000,
    backupRetention: Duration.days(14),
    deletionProtection: true,
    removalPolicy: RemovalPolicy.SNAPSHOT,
    cloudwatchLogsExports: LOGS,
    autoMinorVersionUpgrade: true,
  })
  // Otherwise RDS would make them, and keep the logs for ever.
  instance.node.addDependency(...logGroups)
  network.stores.addIngressRule(network.machines, Port.tcp(PORT), 'The machines use the database')
  // Two users take turns: the password before the last rotation stays valid until the next one.
  const user = new DatabaseSecret(stack, 'UserSecret', {
    username: 'birdhouse',
    masterSecret: master,
  })
  const attached = user.attach(instance)
  instance.addRotationMultiUser('UserRotation', {
    secret: attached,
    automaticallyAfter: Duration.days(30),
    // The user does not exist before an operator creates it.
    rotateImmediatelyOnUpdate: false,
    vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
  })
  instance.addRotationSingleUser({
    automaticallyAfter: Duration.days(30),
    vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
  })
  return { instance, master, user, port: PORT }
}
