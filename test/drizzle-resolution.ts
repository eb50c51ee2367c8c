import { type ResolveFnOutput, registerHooks } from 'node:module'

// Node.js parses the package.json of drizzle-orm (179 kB) for every import of one of its files. That
// is half of the processor time that the app takes to load, and each test file loads the app. Within
// the package an import leads to an ES module; from outside, a specifier names the same file everywhere.
// A `require` leads to other files, and is left to Node.js.

// Tap switches source maps on; types are erased in place here, so that no file needs one. Tap also notes
// each module that a process loads, and reads its source map, in a quarter of the time of a start; only a
// report of coverage needs these notes.
process.setSourceMapsEnabled(false)
const RECORDER = '/@tapjs/processinfo/dist/esm/import.mjs'
const withoutRecorder = process.env._TAPJS_PROCESSINFO_COVERAGE_ !== '1'

const known = new Map<string, ResolveFnOutput>()

registerHooks({
  resolve(specifier, context, next) {
    if (withoutRecorder && specifier.endsWith(RECORDER))
      return { url: 'data:text/javascript,', shortCircuit: true }
    if (!context.conditions.includes('import')) return next(specifier, context)
    if (specifier.startsWith('.') && context.parentURL?.includes('/node_modules/drizzle-orm/')) {
      const { href: url } = new URL(specifier, context.parentURL)
      return { url, format: 'module', shortCircuit: true }
    }
    if (!/^drizzle-orm(\/|$)/.test(specifier)) return next(specifier, context)
    const resolved = known.get(specifier) ?? { ...next(specifier, context), shortCircuit: true }
    known.set(specifier, resolved)
    return resolved
  },
})
