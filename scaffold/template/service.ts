import type { FastifyInstance } from 'birdhouse'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    extName: ReturnType<typeof createExtName>
  }
}

function createExtName(app: FastifyInstance) {
  const { extNameTweets } = app.tables

  /** Runs at least once a tweet, maybe twice: the primary key makes twice once. */
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
