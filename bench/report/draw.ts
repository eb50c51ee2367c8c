import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import type { Curves, Point } from './curves.ts'

const TITLES: Record<keyof Curves, { title: string; x: string; log: boolean }> = {
  followees: { title: 'First page, by people followed', x: 'followees', log: true },
  tweets: { title: 'First page, by tweets in the database', x: 'tweets', log: true },
  depth: { title: 'A page, by depth at 20 tweets a page', x: 'page', log: false },
  followers: { title: 'Writing a tweet, by followers of its author', x: 'followers', log: true },
}
/** Readable on light and dark pages, and without colours. */
const COLORS = { p50: '#0072b2', p99: '#d55e00' }
/** A logarithmic axis has no 0; this value is labelled 0. */
const NOBODY = 100

/** One SVG for each curve. */
export async function draw(curves: Curves, folder: string) {
  mkdirSync(folder, { recursive: true })
  for (const [name, points] of Object.entries(curves)) {
    // The entries of a record have its keys.
    const spec = specOf(points, TITLES[name as keyof Curves])
    const view = new View(parse(compile(spec).spec), { renderer: 'none' })
    writeFileSync(join(folder, `${name}.svg`), `${await view.toSVG()}\n`)
    view.finalize()
  }
}

function specOf(points: Point[], { title, x, log }: (typeof TITLES)[keyof Curves]): TopLevelSpec {
  const place = (value: number) => (log && value === 0 ? NOBODY : value)
  const values = points.flatMap((point) =>
    (['p50', 'p99'] as const).map((part) => ({
      x: place(point.x),
      part,
      latency: point[part],
    })),
  )
  const labels = log && {
    values: points.map((point) => place(point.x)),
    labelExpr: points.some((point) => point.x === 0)
      ? `datum.value == ${NOBODY} ? '0' : format(datum.value, ',')`
      : `format(datum.value, ',')`,
  }
  return {
    width: 640,
    height: 300,
    padding: 12,
    background: 'white',
    title: { text: title, anchor: 'start' },
    data: { values },
    mark: { type: 'line', point: { size: 45 } },
    encoding: {
      x: {
        field: 'x',
        type: 'quantitative',
        scale: { type: log ? 'log' : 'linear', nice: false },
        axis: { title: x, grid: false, ...labels },
      },
      y: {
        field: 'latency',
        type: 'quantitative',
        scale: { domainMin: 0 },
        axis: { title: 'milliseconds' },
      },
      color: {
        field: 'part',
        type: 'nominal',
        scale: { domain: Object.keys(COLORS), range: Object.values(COLORS) },
        legend: { title: null },
      },
      strokeDash: {
        field: 'part',
        type: 'nominal',
        scale: { domain: Object.keys(COLORS) },
        legend: { title: null },
      },
    },
  }
}
