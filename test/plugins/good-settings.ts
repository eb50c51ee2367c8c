import { ConfigError, type Env, parseConfig } from '../../plugins/config/index.ts'

export const SECRET = 'a5sJ9xQ2mV7cR1tB8nW4kY6pL3dF0gHz'
/** Settings with nothing to complain about. */
export const GOOD: Env = {
  DATABASE_URL: 'mysql://user:pass@db.example:3306/birdhouse',
  S3_REGION: 'eu-central-1',
  S3_BUCKET: 'pictures',
  JWT_SECRETS: SECRET,
}

/** The settings a refusal names. */
export function refused(env: Env) {
  try {
    parseConfig(env)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.message.split('\n').flatMap((line) => line.match(/^- (\w+):/)?.[1] ?? [])
  }
}
