import { type App, CfnOutput, Stack, Tags } from 'aws-cdk-lib'
import { addAlarms } from './alarms.ts'
import { createBuckets } from './buckets.ts'
import { createDatabase } from './database.ts'
import { createNetwork } from './network.ts'
import type { Options } from './options.ts'
import { createRedis } from './redis.ts'
import { createSecrets } from './secrets.ts'
import { createService } from './service.ts'

/** Everything that one installation needs, from the network to the alarms. */
export class BirdhouseStack extends Stack {
  constructor(app: App, id: string, options: Options) {
    super(app, id, { env: { region: options.region }, terminationProtection: true })
    const network = createNetwork(this)
    const buckets = createBuckets(this)
    const database = createDatabase(this, network, options)
    const secrets = createSecrets(this)
    const redis = options.redis ? createRedis(this, network) : undefined
    const service = createService(this, { network, buckets, database, secrets, redis, options })
    addAlarms(this, { ...service, database: database.instance, email: options.alarmEmail })
    Tags.of(this).add('service', 'birdhouse')
    new CfnOutput(this, 'OutputBalancer', { value: service.balancer.loadBalancerDnsName })
    new CfnOutput(this, 'OutputArtefacts', { value: buckets.artefacts.bucketName })
    new CfnOutput(this, 'OutputPictures', { value: buckets.cdn.distributionDomainName })
    new CfnOutput(this, 'OutputDatabaseAddress', {
      value: database.instance.dbInstanceEndpointAddress,
    })
    new CfnOutput(this, 'OutputMasterSecret', { value: database.master.secretArn })
    new CfnOutput(this, 'OutputUserSecret', { value: database.user.secretArn })
  }
}
