import type { FastifyInstance } from 'fastify'
import { ExtensionError } from './error.ts'

/** Hooks of every request: at the root, where a service runs, they apply to all routes. */
const REQUEST_HOOKS = new Set(
  'onRoute onRegister onRequest preParsing preValidation preHandler preSerialization onSend onResponse onError onTimeout onRequestAbort'.split(
    ' ',
  ),
)

/** Methods of Fastify that change all routes when they are called at the root. */
const SETTERS =
  'setValidatorCompiler setSerializerCompiler setReplySerializer setErrorHandler setNotFoundHandler setSchemaErrorFormatter setSchemaController setGenReqId setChildLoggerFactory addContentTypeParser removeContentTypeParser removeAllContentTypeParsers addConstraintStrategy'.split(
    ' ',
  )

type Method = (this: FastifyInstance, ...args: unknown[]) => unknown
type Hook = (...args: unknown[]) => unknown

/** Guards the methods of the root instance against extensions that would change all routes. */
export function guardRoot(app: FastifyInstance) {
  guard(app, 'addHook', (scope, [name, hook]) => {
    const owner = app.features.current()
    if (owner.extension && scope === app && REQUEST_HOOKS.has(String(name))) {
      throw new ExtensionError(
        owner.name,
        `its service adds the hook ${name} to every request of everyone; add it in index.`,
      )
    }
    return name === 'onReady' ? [name, owned(app, hook as Hook)] : undefined
  })
  for (const setter of SETTERS) {
    guard(app, setter, (scope) => {
      const { name, extension } = app.features.current()
      if (extension && scope === app) {
        throw new ExtensionError(
          name,
          `its service calls ${setter}, which changes every route; call it in index.`,
        )
      }
      if (setter === 'setNotFoundHandler') app.features.claimPathsBelow(`${scope.prefix}/`, setter)
      return undefined
    })
  }
}

/** Runs `before` at each call; the arguments that `before` returns replace those of the caller. */
function guard(
  app: FastifyInstance,
  name: string,
  before: (scope: FastifyInstance, args: unknown[]) => unknown[] | undefined,
) {
  const original: Method = Reflect.get(app, name)
  const guarded: Method = function (...args) {
    return original.apply(this, before(this, args) ?? args)
  }
  Object.assign(app, { [name]: guarded })
}

/** While the hook runs, its owner is the current feature, and stays it when the hook fails or hangs. */
function owned(app: FastifyInstance, hook: Hook) {
  const owner = app.features.current()
  return async function (this: unknown) {
    app.features.enter(owner)
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const done = (error?: unknown) => (error ? reject(error) : resolve(undefined))
    const result = hook.call(this, done)
    // A hook that names its argument calls it back; any other returns a promise or nothing.
    await (hook.length > 0 ? Promise.race([promise, result ?? promise]) : result)
    app.features.leave()
  }
}
