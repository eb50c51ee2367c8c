import { sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'

// The loader of plugins/ skips this module, which is no Fastify plugin.
export const autoload = false

type Row = { name: string; state: 'due' | 'later' | 'dead'; count: number; age: number | null }

/** The queue is in the database, so each process reports the same numbers. */
export function measureQueue({ db, metrics }: FastifyInstance) {
  let reading: Promise<Row[]> | undefined
  /** Gauges of one scrape share a query, and scrapes that come faster than it do not add to it. */
  const read = () => {
    reading ??= query().finally(() => {
      reading = undefined
    })
    return reading
  }

  // Columns of the index `jobs_due` alone. A running job is `later`, since `run_at` is the end of its lease.
  const query = async () => {
    const [rows] = await db.execute(sql`
      SELECT name, CASE WHEN dead_at IS NOT NULL THEN 'dead' WHEN run_at <= NOW(3) THEN 'due' ELSE 'later' END AS state,
        COUNT(*) AS count, TIMESTAMPDIFF(MICROSECOND, MIN(run_at), NOW(3)) / 1e6 AS age
      FROM jobs GROUP BY 1, 2`)
    return rows as unknown as Row[]
  }

  metrics.gauge('birdhouse_jobs', {
    help: 'Jobs in the database: due, due later (or running), or dead. The same in each process.',
    labels: ['name', 'state'],
    read: async () =>
      (await read()).map(({ name, state, count }) => [{ name, state }, Number(count)]),
  })
  metrics.gauge('birdhouse_jobs_oldest_due_seconds', {
    help: 'Time for which the oldest due job has been due. The same in each process.',
    labels: ['name'],
    read: async () =>
      (await read())
        .filter(({ state }) => state === 'due')
        .map(({ name, age }) => [{ name }, Number(age)]),
  })
}

export const createAttemptCounter = ({ metrics }: FastifyInstance) =>
  metrics.counter('birdhouse_job_attempts_total', {
    help: 'Attempts of jobs that ended in this process.',
    labels: ['name', 'outcome'],
  })
