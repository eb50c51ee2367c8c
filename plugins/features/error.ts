/**
 * A fault of one extension; with EXTENSIONS_OPTIONAL the app is built without it. Its cause
 * is what the extension itself has thrown.
 */
export class ExtensionError extends Error {
  override name = 'ExtensionError'
  readonly extension: string

  constructor(extension: string, message: string, options?: ErrorOptions) {
    super(`Extension ${extension}: ${message}`, options)
    this.extension = extension
  }
}

const ADVICE: Record<string, (message: string) => string> = {
  AVV_ERR_PLUGIN_EXEC_TIMEOUT: () =>
    'it was not loaded within 10 s; look for a promise that never settles in its index or service.',
  FST_ERR_HOOK_TIMEOUT: () =>
    'its onReady hook did not end within 10 s; look for what it waits for.',
  FST_ERR_DEC_ALREADY_PRESENT: (message) => `${message} Choose another name for its decorator.`,
  FST_ERR_SCH_ALREADY_PRESENT: (message) => `${message} Choose another $id for its schema.`,
}

/** Returns an ExtensionError for the failure of an extension; returns other errors unchanged. */
export function blame(feature: { name: string; extension: boolean }, error: unknown) {
  if (!feature.extension || error instanceof ExtensionError) return error
  const { code = '', message } = toError(error)
  const advice = ADVICE[code]?.(message)
  if (advice) return new ExtensionError(feature.name, advice)
  return new ExtensionError(feature.name, message, { cause: error })
}

const toError = (thrown: unknown): { code?: string; message: string } =>
  thrown instanceof Error ? thrown : { message: `it threw ${String(thrown)}` }
