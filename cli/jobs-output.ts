import type { Filter, JobAdmin, JobView } from '../plugins/jobs/admin.ts'
import { table } from './table.ts'

type Page = Awaited<ReturnType<JobAdmin['list']>>

/** Characters of an error in a list; `show` has all of it. */
const EXCERPT = 80
/** Characters of the first column of `show`. */
const LABEL = 12

export function listing({ state, name }: Filter, { items, total }: Page) {
  const what =
    `${state ?? ''} ${total === 1 ? 'job' : 'jobs'}${name ? ` named ${name}` : ''}`.trim()
  if (total === 0) return `No ${what}.`
  const shown =
    items.length < total ? `${items.length} of ${total} ${what}; --limit shows more` : ''
  return `${table(rowsOf(items))}\n\n${shown || `${total} ${what}`}.`
}

const rowsOf = (items: JobView[]) => [
  ['ID', 'NAME', 'STATE', 'ATTEMPTS', 'WHEN', 'ERROR'],
  ...items.map((job) => [
    String(job.id),
    job.name,
    job.state,
    String(job.attempts),
    (job.deadAt ?? job.dueAt ?? job.leaseEndsAt)?.toISOString() ?? '',
    (job.error ?? '').replaceAll('\n', ' ').slice(0, EXCERPT),
  ]),
]

export function details(job: JobView) {
  const { payload, progress, createdAt, dueAt, leaseEndsAt, deadAt, uniqueKey, ...rest } = job
  const lines = Object.entries({
    ...rest,
    created: createdAt.toISOString(),
    due: dueAt?.toISOString(),
    'lease ends': leaseEndsAt?.toISOString(),
    dead: deadAt?.toISOString(),
    'unique key': uniqueKey,
    payload: JSON.stringify(payload),
    progress: progress === null ? null : JSON.stringify(progress),
  })
  const line = ([label, value]: [string, unknown]) =>
    `${label.padEnd(LABEL)}${String(value).replaceAll('\n', `\n${' '.repeat(LABEL)}`)}`
  const given = lines.filter(([, value]) => value !== undefined && value !== null)
  return given.map(line).join('\n')
}
