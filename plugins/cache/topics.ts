import type { CacheTopics } from 'fastify'

declare module 'fastify' {
  /**
   * Every topic, and which ids `invalidate` takes for it; a feature adds its own by declaration merging:
   * `bookmarks: 'user'`.
   */
  interface CacheTopics {}
}

export type CacheTopic = keyof CacheTopics & string
