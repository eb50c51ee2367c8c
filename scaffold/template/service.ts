import type { FastifyInstance } from 'birdhouse'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    extName: ReturnType<typeof createExtName>
  }
  interface JobPayloads {
    'extName.see': { tweetId: number }
  }
}

function createExtName(app: FastifyInstance) {
  const { extNameTweets } = app.tables

  /** Idempotent because of the primary key: a job runs at least once, so a tweet may come twice. */
  async function see(tweetId: number) {
    await app.db.insert(extNameTweets).ignore().values({ tweetId })
  }

  const count = () => app.db.$count(extNameTweets)

  return { see, count }
}

async function service(app: FastifyInstance) {
  app.decorate('extName', createExtName(app))
  app.events.subscribe('tweet.created', 'extName.see', ({ tweetId }) => app.extName.see(tweetId))
}

export default fp(service, { name: 'ext-name.service', dependencies: ['tweets.service'] })
