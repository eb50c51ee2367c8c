import { type Line, p50 } from './line.ts'
import { pagesAt, readInTurn, somePeople } from './pages.ts'

const SHORT = 20_000
/** Readers whose timelines the shorter histories contain. */
const READERS = 1_000

export default {
  name: 'page-history',
  title: 'page by history',
  a: 'first page among 2,000,000 tweets',
  b: 'among 20,000',
  unit: 'ms',
  goal: { atMost: 1.3 },
  async prepare(bench) {
    const readers = somePeople(bench, 100).map((id) => 1 + (id % READERS))
    const other = await bench.birdhouse(bench.urlOf(SHORT))
    const [long, short] = [
      await pagesAt(bench, readers, 1),
      await pagesAt(bench, readers, 1, other),
    ]
    return {
      a: () => p50(readInTurn(bench, long)),
      b: () => p50(readInTurn(bench, short, 2, other)),
      server: bench.service,
      end: () => other.stop(),
    }
  },
} satisfies Line
