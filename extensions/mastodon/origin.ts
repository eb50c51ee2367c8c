import type { FastifyInstance, FastifyRequest } from 'birdhouse'

/** For whom an answer is made, and by which address they reached the service. */
export type Asker = Pick<FastifyRequest, 'protocol' | 'host' | 'viewerId'>

/** The address of the service for links. */
export const originOf = (app: FastifyInstance, { protocol, host }: Asker) =>
  app.config.publicUrl ?? `${protocol}://${host}`

/** The name of the service in addresses such as `@hong@host.example`. */
export const domainOf = (app: FastifyInstance, request: FastifyRequest) =>
  new URL(originOf(app, request)).host
