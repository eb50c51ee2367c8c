import { FOLLOWEES } from '../data/sizes.ts'
import { type Line, p50 } from './line.ts'
import { pagesAt, readInTurn } from './pages.ts'

export default {
  name: 'page-followees',
  title: 'page by followees',
  a: 'first page of readers with 5,000 followees',
  b: 'with 10',
  unit: 'ms',
  goal: { atMost: 1.3 },
  async prepare(bench) {
    const first = (count: number) =>
      pagesAt(bench, bench.ids.readersOf(FOLLOWEES.indexOf(count)), 1)
    const [many, few] = [await first(5_000), await first(10)]
    return {
      a: () => p50(readInTurn(bench, many)),
      b: () => p50(readInTurn(bench, few)),
      server: bench.service,
    }
  },
} satisfies Line
