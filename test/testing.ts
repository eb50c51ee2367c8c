// What `birdhouse/testing` offers to the tests of extensions: the helpers of our own.
export { build } from '../app.ts'
export * from './helper.ts'
export { redisMissing, startRedis } from './redis.ts'
export { undocumented } from './undocumented.ts'
