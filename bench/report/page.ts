import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type Result, show } from '../measure.ts'
import type { Curves } from './curves.ts'

type Machine = { cpu: string; memory: string; node: string; database: string; bufferPool: string }
export type Report = { machine: Machine; results: Result[]; curves?: Curves }

const [BEGIN, END] = ['<!-- written by npm run bench -->', '<!-- end of what the bench writes -->']
const EMPTY = `# Performance\n\n${BEGIN}\n${END}\n\n## Notes\n`

/** Writes the measurements between the marks; the text around the marks stays. */
export function writePage(report: Report, file: string) {
  const page = existsSync(file) ? readFileSync(file, 'utf8') : EMPTY
  const [before, after] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (before < 0 || after < before)
    throw new Error(`${file} lacks the marks ${BEGIN} ${END}; put both back.`)
  const written = `${page.slice(0, before)}${BEGIN}\n${generated(report)}\n${page.slice(after)}`
  writeFileSync(file, written)
}

const generated = (report: Report) =>
  [summary(report), table(report.results), missed(report.results), plots(report)]
    .filter(Boolean)
    .join('\n\n')

function summary({ machine, results }: Report) {
  const reached = results.filter((result) => result.reached).length
  const { cpu, memory, node, database, bufferPool } = machine
  return `${reached} of ${results.length} goals are reached. Each line is a ratio of two figures, A and B, measured in turn in one
run: medians of at least five rounds. Lines that do not say cold come after rounds that warm up caches and the
compiler. Birdhouse, the
bare service and the client are one process each, on one machine together with the database: ${cpu}, ${memory} of memory, Node.js ${node.slice(1)}, ${database} with a
buffer pool of ${bufferPool} and \`innodb_flush_log_at_trx_commit=1\`.

The data: 20,000 people who follow 100 each, with power-law popularity; 2,000,000 tweets, one in ten a
retweet, one in seven a reply; readers with 10, 1,000 and 5,000 followees; authors with up to 100,000
followers. On average a reader follows five authors who are too popular for fan-out, so every page
combines entries and a merge.`
}

function table(results: Result[]) {
  const row = (result: Result) => {
    const { title, a, b, unit, ratio, note, commit, date } = result
    const goal = 'atLeast' in result.goal ? `≥ ${result.goal.atLeast}` : `≤ ${result.goal.atMost}`
    const bound = 'below' in result.goal ? `, A < ${result.goal.below} ${unit}` : ''
    const verdict = result.reached ? 'reached' : '**missed**'
    const what = note ? `${a.what} (${note})` : a.what
    const other = b ? `${show(a.value)} | ${show(b.value)} ${unit}` : `${show(a.value)} ${unit} | `
    return `| ${title} | ${what} | ${b?.what ?? ''} | ${other} | ${ratio.toFixed(2)} | ${goal}${bound} | ${verdict} | ${commit}, ${date} |`
  }
  return `| line | A | B | A measured | B measured | A/B | goal | | commit |
|---|---|---|--:|--:|--:|--:|---|---|
${results.map(row).join('\n')}`
}

function missed(results: Result[]) {
  const parts = results
    .filter(({ reached }) => !reached)
    .map(
      ({ title, ratio, profile = [] }) =>
        `**${title}** has ${ratio.toFixed(2)}.${profile.length > 0 ? ` Where the service spends its own time:\n\n\`\`\`text\n${profile.join('\n')}\n\`\`\`` : ''}`,
    )
  return parts.length > 0 && ['## Goals that are missed', ...parts].join('\n\n')
}

const plots = ({ curves }: Report) =>
  curves &&
  `## Plots

${Object.keys(curves)
  .map((name) => `![Latency by ${name}](performance/${name}.svg)`)
  .join('\n\n')}`
