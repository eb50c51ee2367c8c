// The types that extensions import from 'birdhouse'; at run time everything comes from `app`.
// Below, everything that may merge its types into Fastify's; a test finds what is missing.
import type {} from './plugins/authenticate.ts'
import type {} from './plugins/cache/index.ts'
import type {} from './plugins/config.ts'
import type {} from './plugins/db.ts'
import type {} from './plugins/drain.ts'
import type {} from './plugins/errors.ts'
import type {} from './plugins/events.ts'
import type {} from './plugins/features/index.ts'
import type {} from './plugins/health.ts'
import type {} from './plugins/idempotency.ts'
import type {} from './plugins/jobs/index.ts'
import type {} from './plugins/jwt.ts'
import type {} from './plugins/multipart/index.ts'
import type {} from './plugins/openapi.ts'
import type {} from './plugins/pagination.ts'
import type {} from './plugins/password.ts'
import type {} from './plugins/resources.ts'
import type {} from './plugins/revocation.ts'
import type {} from './plugins/s3/index.ts'
import type {} from './plugins/schemas.ts'
import type {} from './plugins/security.ts'
import type {} from './plugins/tasks/index.ts'
import type {} from './plugins/text.ts'
import type {} from './plugins/validation.ts'
import type {} from './routes/auth/service.ts'
import type {} from './routes/graph/service.ts'
import type {} from './routes/media/service.ts'
import type {} from './routes/timeline/service.ts'
import type {} from './routes/tweets/service.ts'
import type {} from './routes/users/service.ts'

export type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
export type {
  EventPayloads,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  Resources,
} from 'fastify'
export type { Db, Tx } from './plugins/db.ts'
export type { JobContext, JobHandler, JobOptions } from './plugins/jobs/index.ts'
export type { PageRequest } from './plugins/pagination.ts'
export type { Field } from './plugins/resources.ts'
export type { Task, TaskContext } from './plugins/tasks/index.ts'
export type { Draft, DraftHook } from './routes/tweets/drafts.ts'
export type { ListFilter } from './routes/tweets/filters.ts'
export type { Through } from './routes/tweets/visibility.ts'
