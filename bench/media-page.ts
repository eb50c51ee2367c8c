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
  /** Memory of the service before the first upload, in MB. */
  alone: number
  shared: { service: number; bare: number }
  rows: Row[]
}

const FILE = join(import.meta.dirname, '../docs/media-performance.md')

/** Generates the whole page from the measurements. */
export function writeMediaPage(report: Report) {
  const { uploads, megabytes, rounds, machine, alone, shared, rows } = report
  const reached = rows.filter(isReached).length
  writeFileSync(
    FILE,
    `# Performance of pictures

${reached} of ${rows.length} goals are reached. \`npm run bench:media\` writes this page.

A: ${uploads} JPEGs of 12 megapixels and ${show(megabytes)} MB, uploaded at once to \`POST /v1/media\`, until the last
answer. B: a bare loop of sharp that makes the same three variants of the same files, two at a time, in
the same run. Figures are medians of ${rounds} rounds on ${machine}; the database, the object
store and the clients share the machine.

| | A | B | | goal | |
|---|--:|--:|--:|--:|---|
${rows.map(line).join('\n')}

B of the last line is the idle service; a request is sent every 20 ms. Before its first upload the service
uses ${show(alone)} MB of memory; the bare loop has no counterpart for that. RSS counts memory that processes share,
such as Node.js itself, once for each process; counted once in all (PSS) the peaks are ${show(shared.service)} and
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
