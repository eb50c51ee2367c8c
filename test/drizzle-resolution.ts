import { type ResolveFnOutput, registerHooks } from 'node:module'

// Node.js parses the package.json of drizzle-orm (179 kB) for every import of one of its files. That
// is half of the processor time that the app takes to load, and each test file loads the app. Within
// the package an import leads to an ES module; from outside, a specifier names the same file everywhere.
// A `require` leads to other files, and is left to Node.js.

// Tap switches source maps on; types are erased in place here, so that no file needs one.
process.setSourceMapsEnabled(false)

const known = new Map<string, ResolveFnOutput>()

registerHooks({
  resolve(specifier, context, next) {
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
