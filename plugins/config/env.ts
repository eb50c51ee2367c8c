import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { ConfigError } from './setting.ts'

export type Env = Record<string, string | undefined>

/**
 * Reads `.env` in the working directory and the environment, which overrides it. Empty values count as
 * not set. @throws ConfigError when a `.env` exists and cannot be read
 */
export function readEnv(): Env {
  const file: Env = parseEnv(readFile(resolve('.env')))
  for (const [name, value] of Object.entries(file)) {
    // The SDKs of AWS and OpenTelemetry read their settings only from the environment.
    if (/^(AWS|OTEL)_/.test(name) && value) process.env[name] ||= value
  }
  return { ...withoutEmpty(file), ...withoutEmpty(process.env) }
}

const withoutEmpty = (env: Env) =>
  Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))

function readFile(path: string) {
  try {
    return decode(readFileSync(path))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return ''
    const sentence = ADVICE[code ?? ''] ?? `cannot be read (${code}). Correct or remove it.`
    throw new ConfigError(`${path} ${sentence}`, { cause: error })
  }
}

const ADVICE: Record<string, string> = {
  EISDIR: 'is a folder. Remove it, or put a file with the settings in its place.',
  EACCES: 'cannot be read by this user. Run: chmod u+r .env, or chown it to this user.',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'is not UTF-8. Save it as UTF-8 in your editor.',
}

/** Decodes UTF-8 and UTF-16, which editors and shells of Windows write; removes the byte order mark. */
function decode(bytes: Buffer) {
  const text = new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes)
  if (!text.includes('\0')) return text
  throw Object.assign(new Error(), { code: 'ERR_ENCODING_INVALID_ENCODED_DATA' })
}

/** Without a byte order mark, the zero byte of the first character, which is ASCII, shows the byte order. */
function encodingOf([first, second]: Buffer) {
  if ((first === 0xff && second === 0xfe) || second === 0) return 'utf-16le'
  if ((first === 0xfe && second === 0xff) || first === 0) return 'utf-16be'
  return 'utf-8'
}
