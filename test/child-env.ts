const { PATH, HOME, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env
const { NODE_COMPILE_CACHE, NODE_OPTIONS, TMPDIR } = process.env

/**
 * The environment of a program of ours that a test starts: the keys of the S3 store that the tests run on, what makes
 * Node load the app in a third of the time, and the folder that run.ts removes. No setting of the developer gets through.
 */
export const CHILD_ENV = {
  PATH,
  HOME,
  AWS_ACCESS_KEY_ID,
  AWS_SECRET_ACCESS_KEY,
  NODE_COMPILE_CACHE,
  NODE_OPTIONS,
  TMPDIR,
}
