/// <reference path="./routes/account-mail/config.ts" />
/// <reference path="./routes/account-mail/service.ts" />
/// <reference path="./routes/account-mail/tables.ts" />
/// <reference path="./routes/auth/schemas.ts" />
/// <reference path="./routes/auth/second-factor.ts" />
/// <reference path="./routes/auth/service.ts" />
/// <reference path="./routes/auth/tables.ts" />
/// <reference path="./routes/exports/schemas.ts" />
/// <reference path="./routes/exports/service.ts" />
/// <reference path="./routes/exports/tables.ts" />
/// <reference path="./routes/graph/service.ts" />
/// <reference path="./routes/graph/tables.ts" />
/// <reference path="./routes/media/config.ts" />
/// <reference path="./routes/media/schemas.ts" />
/// <reference path="./routes/media/service.ts" />
/// <reference path="./routes/media/tables.ts" />
/// <reference path="./routes/moderation/queue-schemas.ts" />
/// <reference path="./routes/moderation/schemas.ts" />
/// <reference path="./routes/moderation/service.ts" />
/// <reference path="./routes/moderation/tables.ts" />
/// <reference path="./routes/sign-up/config.ts" />
/// <reference path="./routes/sign-up/service.ts" />
/// <reference path="./routes/sign-up/tables.ts" />
/// <reference path="./routes/timeline/config.ts" />
/// <reference path="./routes/timeline/service.ts" />
/// <reference path="./routes/timeline/tables.ts" />
/// <reference path="./routes/tweets/inputs.ts" />
/// <reference path="./routes/tweets/schemas.ts" />
/// <reference path="./routes/tweets/service.ts" />
/// <reference path="./routes/tweets/tables.ts" />
/// <reference path="./routes/users/config.ts" />
/// <reference path="./routes/users/schemas.ts" />
/// <reference path="./routes/users/service.ts" />
/// <reference path="./routes/users/tables.ts" />
/// <reference path="./routes/well-known/config.ts" />
// The types that features import from 'birdhouse'; at run time everything comes from `app`, and the
// parts of schemas and tables from 'birdhouse/schemas' and 'birdhouse/columns'.
// The references and the empty imports load each module that merges types into Fastify's; a test finds
// missing ones. References to features, because features import this file.
import type {} from './plugins/authenticate.ts'
import type {} from './plugins/cache/index.ts'
import type {} from './plugins/client-address.ts'
import type {} from './plugins/config/index.ts'
import type {} from './plugins/db/index.ts'
import type {} from './plugins/deadline.ts'
import type {} from './plugins/dialect.ts'
import type {} from './plugins/drain.ts'
import type {} from './plugins/errors/index.ts'
import type {} from './plugins/events.ts'
import type {} from './plugins/exports.ts'
import type {} from './plugins/features/index.ts'
import type {} from './plugins/health.ts'
import type {} from './plugins/http/index.ts'
import type {} from './plugins/idempotency.ts'
import type {} from './plugins/in-time.ts'
import type {} from './plugins/jobs/index.ts'
import type {} from './plugins/jwt.ts'
import type {} from './plugins/limits/index.ts'
import type {} from './plugins/mail/index.ts'
import type {} from './plugins/metrics/index.ts'
import type {} from './plugins/multipart/index.ts'
import type {} from './plugins/openapi/index.ts'
import type {} from './plugins/pagination.ts'
import type {} from './plugins/password.ts'
import type {} from './plugins/replicas/index.ts'
import type {} from './plugins/resources.ts'
import type {} from './plugins/revocation/index.ts'
import type {} from './plugins/route-table.ts'
import type {} from './plugins/s3/index.ts'
import type {} from './plugins/schemas.ts'
import type {} from './plugins/security.ts'
import type {} from './plugins/security-log.ts'
import type {} from './plugins/serialization/index.ts'
import type {} from './plugins/tasks/index.ts'
import type {} from './plugins/text.ts'
import type {} from './plugins/validation.ts'
import type {} from './plugins/websockets.ts'

export type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
export type {
  EventPayloads,
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  JobPayloads,
  Resources,
  RouteOptions,
} from 'fastify'
export type { Db, Tx } from './plugins/db/client.ts'
export type { Counter } from './plugins/db/counter.ts'
export type { Field } from './plugins/fields.ts'
export type { JobContext, JobHandler, JobName, JobOptions } from './plugins/jobs/types.ts'
export type { Upload } from './plugins/multipart/bodies.ts'
export type { UploadOptions } from './plugins/multipart/receive.ts'
export type { PageRequest } from './plugins/pagination.ts'
export type { Task, TaskContext } from './plugins/tasks/index.ts'
