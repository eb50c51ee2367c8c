import { FOLLOWEES } from '../data/sizes.ts'
import { type Line, p50 } from './line.ts'
import { pagesAt, readInTurn } from './pages.ts'

export default {
  name: 'page-beyond',
  title: 'page beyond',
  a: 'page 60 of readers with 1,000 followees, merged',
  b: 'page 1 of the same',
  unit: 'ms',
  goal: { atMost: 15 },
  async prepare(bench) {
    const readers = bench.ids.readersOf(FOLLOWEES.indexOf(1_000))
    const [beyond, first] = [await pagesAt(bench, readers, 60), await pagesAt(bench, readers, 1)]
    return {
      a: () => p50(readInTurn(bench, beyond)),
      b: () => p50(readInTurn(bench, first)),
      server: bench.service,
    }
  },
} satisfies Line
