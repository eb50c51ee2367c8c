import { mkdirSync, readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'

/** The file that lanes.ts writes for all lanes. */
export type Queue = { files: string[]; perLane: number; timeout: number }

/** Milliseconds in which a lane that is done may say so. */
const PATIENCE = 5_000

const tests = new Map<string, Test>()
Object.assign(globalThis, { testOfFile: (url: string) => tests.get(url) })

/** For a file of a lane `tap` is the test of that file. */
registerHooks({
  resolve(specifier, context, next) {
    const { parentURL = '' } = context
    if (specifier !== 'tap' || !tests.has(parentURL)) return next(specifier, context)
    const source = `const t = testOfFile('${parentURL}')
      export default t
      export const test = t.test.bind(t)`
    return { url: `data:text/javascript,${encodeURIComponent(source)}`, shortCircuit: true }
  },
})

/** Runs files of the queue in `folder`, one after the other, until none is left or this lane had its share. */
export async function runLane(folder: string) {
  const { files, perLane, timeout }: Queue = JSON.parse(
    readFileSync(join(folder, 'queue.json'), 'utf8'),
  )
  for (let done = 0; done < perLane; done++) {
    const file = files.find((_, index) => claim(join(folder, String(index))))
    if (!file) break
    const before = { ...process.env }
    await t.test(file, { timeout }, async (t) => {
      const { href } = pathToFileURL(resolve(file))
      tests.set(href, t)
      await import(href)
    })
    // Embedded stores put their keys there.
    for (const name in process.env) if (!(name in before)) delete process.env[name]
    Object.assign(process.env, before)
  }
  t.end()
  // A connection that a failed test leaves open would keep the process.
  setTimeout(() => process.exit(), PATIENCE).unref()
}

function claim(folder: string) {
  try {
    mkdirSync(folder)
    return true
  } catch {
    return false
  }
}
