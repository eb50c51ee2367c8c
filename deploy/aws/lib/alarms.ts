import { Duration, type Stack } from 'aws-cdk-lib'
import type { AutoScalingGroup } from 'aws-cdk-lib/aws-autoscaling'
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import {
  type ApplicationLoadBalancer,
  type ApplicationTargetGroup,
  HttpCodeTarget,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2'
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import type { DatabaseInstance } from 'aws-cdk-lib/aws-rds'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'

type Watched = {
  group: AutoScalingGroup
  balancer: ApplicationLoadBalancer
  targets: ApplicationTargetGroup
  database: DatabaseInstance
  email: string
}

const GIBIBYTE = 1024 ** 3
const period = Duration.minutes(1)

/**
 * Mails what CloudWatch sees by itself, and what the processes export (machine/agent.json): the thresholds are
 * those of deploy/prometheus/alerts.yml.
 */
export function addAlarms(stack: Stack, { group, balancer, targets, database, email }: Watched) {
  const masterKey = new Key(stack, 'AlarmKey', { enableKeyRotation: true })
  masterKey.grantEncryptDecrypt(new ServicePrincipal('cloudwatch.amazonaws.com'))
  const topic = new Topic(stack, 'Alarms', { masterKey, enforceSSL: true })
  topic.addSubscription(new EmailSubscription(email))
  const { GREATER_THAN_THRESHOLD: above, LESS_THAN_THRESHOLD: below } = ComparisonOperator

  function alarm(
    id: string,
    metric: IMetric,
    comparisonOperator: ComparisonOperator,
    threshold: number,
  ) {
    const treatMissingData = TreatMissingData.NOT_BREACHING
    const options = {
      metric,
      comparisonOperator,
      threshold,
      evaluationPeriods: 5,
      treatMissingData,
    }
    const action = new SnsAction(topic)
    const one = new Alarm(stack, id, options)
    one.addAlarmAction(action)
    one.addOkAction(action)
  }

  alarm('MachinesUnhealthy', targets.metrics.unhealthyHostCount({ period }), above, 0)
  alarm('MachinesFew', targets.metrics.healthyHostCount({ period, statistic: 'min' }), below, 2)
  alarm(
    'ServiceErrors',
    targets.metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, { period }),
    above,
    20,
  )
  alarm('ServiceSlow', targets.metrics.targetResponseTime({ period, statistic: 'p99' }), above, 1)
  alarm(
    'BalancerErrors',
    balancer.metrics.custom('HTTPCode_ELB_5XX_Count', { period, statistic: 'sum' }),
    above,
    20,
  )
  alarm('DatabaseBusy', database.metricCPUUtilization({ period }), above, 80)
  alarm('DatabaseStorage', database.metricFreeStorageSpace({ period }), below, 10 * GIBIBYTE)
  alarm('DatabaseConnections', database.metricDatabaseConnections({ period }), above, 600)
  const dimensionsMap = { AutoScalingGroupName: group.autoScalingGroupName }
  alarm(
    'MachinesBusy',
    new Metric({ namespace: 'AWS/EC2', metricName: 'CPUUtilization', dimensionsMap, period }),
    above,
    85,
  )

  /** The worst process of all machines. */
  const exported = (metricName: string, labels: Record<string, string> = {}, statistic = 'max') =>
    new Metric({
      namespace: 'Birdhouse',
      metricName,
      dimensionsMap: { job: 'birdhouse', ...labels },
      statistic,
      period,
    })
  alarm('CheckFailing', exported('birdhouse_health_check', {}, 'min'), below, 1)
  alarm('PoolExhausted', exported('birdhouse_db_waiting'), above, 0)
  alarm('EventLoopBlocked', exported('nodejs_eventloop_lag_p99_seconds'), above, 0.2)
  alarm('JobsLate', exported('birdhouse_jobs_oldest_due_seconds'), above, 60)
  alarm('JobsDead', exported('birdhouse_jobs', { state: 'dead' }), above, 0)
  alarm('FanOutLate', exported('birdhouse_timeline_fan_out_lag_seconds'), above, 60)
  alarm('PicturesQueue', exported('birdhouse_pictures_waiting'), above, 32)
  alarm('PasswordsQueue', exported('birdhouse_password_hashes', { state: 'waiting' }), above, 20)
}
