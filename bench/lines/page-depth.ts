import { type Line, p50 } from './line.ts'
import { pagesAt, readInTurn, somePeople } from './pages.ts'

export default {
  name: 'page-depth',
  title: 'page by depth',
  a: 'page 40 at limit 20, the last materialised one',
  b: 'page 1',
  unit: 'ms',
  goal: { atMost: 1.3 },
  async prepare(bench) {
    const readers = somePeople(bench, 50)
    const [deep, first] = [await pagesAt(bench, readers, 40), await pagesAt(bench, readers, 1)]
    return {
      a: () => p50(readInTurn(bench, deep)),
      b: () => p50(readInTurn(bench, first)),
      server: bench.service,
    }
  },
} satisfies Line
