import type { FastifyInstance } from 'fastify'
import { inTime } from '../in-time.ts'
import { ExtensionError } from './error.ts'
import type { Owner } from './feature.ts'

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

/** Hooks that run when the app closes, and how many arguments they have besides `done`. */
const CLOSE_HOOKS: Record<string, number> = { preClose: 0, onClose: 1 }
/** Milliseconds of each; everything together has 25 s, see server.ts. */
const CLOSE_LIMIT = 3_000

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
    if (name === 'onReady') return [name, owned(app, owner, hook as Hook)]
    const args = owner.extension ? CLOSE_HOOKS[String(name)] : undefined
    return args === undefined ? undefined : [name, bounded(app, owner, hook as Hook, args)]
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
const owned = (app: FastifyInstance, owner: Owner, hook: Hook) =>
  async function (this: unknown) {
    app.features.enter(owner)
    await settled(hook, this)
    app.features.leave()
  }

/** Logs a hook that fails or hangs while the app closes; the other hooks still run. */
const bounded = (app: FastifyInstance, { name: owner }: Owner, hook: Hook, args: number) =>
  async function (this: unknown) {
    const closing = Promise.try(settled, hook, this, ...Array(args).fill(this))
    await inTime(closing, CLOSE_LIMIT).catch((error) =>
      app.log.error({ err: error, owner }, 'an extension was not closed'),
    )
  }

/** A hook that names one more argument calls it back; any other returns a promise or nothing. */
function settled(hook: Hook, self: unknown, ...args: unknown[]) {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const done = (error?: unknown) => (error ? reject(error) : resolve(undefined))
  const result = hook.call(self, ...args, done)
  return hook.length > args.length ? Promise.race([promise, result ?? promise]) : result
}
