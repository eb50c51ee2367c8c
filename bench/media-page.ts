import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { show } from './measure.ts'

export type Row = {
  title: string
  a?: number
  b?: number
  value: number
  goal: { atLeast: number } | { atMost: number }
}
export type Report = {
  uploads: number
  megabytes: number
  rounds: number
  machine: string
  /** MB of the service before the first upload. */
  alone: number
  shared: { service: number; bare: number }
  rows: Row[]
}

const FILE = join(import.meta.dirname, '../docs/media-performance.md')

/** All of the page is made of what was measured. */
export function writeMediaPage(report: Report) {
  const { uploads, megabytes, rounds, machine, alone, shared, rows } = report
  const reached = rows.filter(isReached).length
  writeFileSync(
    FILE,
    `# How fast pictures are

${reached} of ${rows.length} goals are reached. \`npm run bench:media\` writes this page.

A: ${uploads} JPEGs of 12 megapixels and ${show(megabytes)} MB, uploaded at once to \`POST /v1/media\`, until the last is
answered. B: a bare loop of sharp that makes the same three variants of the same files, two at a time,
in the same run. Medians of ${rounds} rounds on ${machine}, which the database, the object store and the
clients use as well.

| | A | B | | goal | |
|---|--:|--:|--:|--:|---|
${rows.map(line).join('\n')}

B of the last line is the service with nothing else to do; a request is sent every 20 ms. Before its first
upload the service has ${show(alone)} MB in memory, which the bare loop has no counterpart for. RSS counts
what processes share, such as Node.js itself, in each of them; counted once (PSS) the peaks are ${show(shared.service)} and
${show(shared.bare)} MB.
`,
  )
}

const isReached = ({ goal, value }: Row) =>
  'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost

function line(row: Row) {
  const { title, a, b, value, goal } = row
  const wanted = 'atLeast' in goal ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`
  const shown = (figure?: number) => (figure === undefined ? '' : show(figure))
  return `| ${title} | ${shown(a)} | ${shown(b)} | ${show(value)} | ${wanted} | ${isReached(row) ? 'reached' : '**missed**'} |`
}
