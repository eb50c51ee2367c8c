// `birdhouse/testing` offers the helpers of our own tests to the tests of extensions.
export { build } from '../app.ts'
export * from './helper.ts'
export { redisMissing, startRedis } from './redis.ts'
export { startSmtp, tokenIn } from './smtp.ts'
export { undocumented } from './undocumented.ts'
