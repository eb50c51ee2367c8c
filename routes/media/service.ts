import type { FastifyInstance } from 'birdhouse'
import fp from 'fastify-plugin'
import { createLibrary } from './library.ts'
import { close as closePictures } from './pictures/index.ts'
import { createProfilePictures } from './profile.ts'
import { createRemoval } from './removal.ts'
import { Media } from './schemas.ts'
import { createSweep } from './sweep.ts'
import { createSweepJob } from './sweep-job.ts'
import { createSweepTask } from './sweep-task.ts'
import { createTweetMedia } from './tweets.ts'

declare module 'fastify' {
  interface FastifyInstance {
    media: ReturnType<typeof createMedia>
  }
  interface JobPayloads {
    'media.remove': { objects: string[] }
    'media.expire': object
    'media.forget': { tweetId: number }
    'media.sweep': object
  }
}

function createMedia(app: FastifyInstance) {
  const removal = createRemoval(app)
  removal.start()
  const sweep = createSweep(app)
  createSweepJob(app, sweep)
  createSweepTask(app, sweep)
  return {
    ...createLibrary(app, removal),
    ...createTweetMedia(app),
    ...createProfilePictures(app, removal),
    expire: removal.expire,
    sweep,
  }
}

export default fp(
  async (app) => {
    app.resources.define(Media)
    app.decorate('media', createMedia(app))
    app.addHook('onClose', closePictures)
  },
  { name: 'media.service', dependencies: ['users.service', 's3', 'jobs', 'tasks', 'resources'] },
)
