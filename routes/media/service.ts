import type { FastifyInstance } from 'birdhouse'
import fp from 'fastify-plugin'
import { addExports } from './exports.ts'
import { createLibrary } from './library.ts'
import { close as closePictures, pending } from './pictures/index.ts'
import { createProfilePictures } from './profile.ts'
import { createQuota } from './quota.ts'
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
  const quota = createQuota(app)
  removal.start()
  app.metrics.gauge('birdhouse_pictures_waiting', {
    help: 'Pictures that wait to be decoded; above 64, others are refused.',
    read: pending,
  })
  const sweep = createSweep(app)
  createSweepJob(app, sweep)
  createSweepTask(app, sweep)
  return {
    ...createLibrary(app, removal, quota),
    ...createTweetMedia(app),
    ...createProfilePictures(app, removal),
    usage: (ownerId: number) => quota.usage(ownerId),
    /** Refuses an upload before its body is read. @throws QuotaExceeded when nothing more fits */
    assertRoom: (ownerId: number) => quota.assertRoom(ownerId, 1),
    expire: removal.expire,
    sweep,
  }
}

export default fp(
  async (app) => {
    app.resources.define(Media)
    app.decorate('media', createMedia(app))
    addExports(app)
    app.addHook('onClose', closePictures)
  },
  { name: 'media.service', dependencies: ['users.service', 's3', 'jobs', 'tasks', 'resources'] },
)
