import type { FastifyInstance, FastifyRequest } from 'birdhouse'

/** The address of the service for links. */
export const originOf = (app: FastifyInstance, { protocol, host }: FastifyRequest) =>
  app.config.publicUrl ?? `${protocol}://${host}`

/** The name of the service in addresses such as `@hong@host.example`. */
export const domainOf = (app: FastifyInstance, request: FastifyRequest) =>
  new URL(originOf(app, request)).host
