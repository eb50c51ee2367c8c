import type { FastifyInstance } from 'birdhouse'

/** Clients crash without a picture. */
export const NO_AVATAR = '/api/birdhouse/avatar.png'
export const NO_HEADER = '/api/birdhouse/header.png'

/** The path before the keys of pictures, see routes/pictures.ts. */
export const PICTURES = '/api/birdhouse/pictures/'

/** Clients keep addresses for days, but signed ones expire within hours: an address of ours leads to a fresh one. */
export const stable = (app: FastifyInstance, address: string, origin: string) =>
  app.config.s3.presign ? `${origin}${PICTURES}${app.s3.keyOf(address)}` : address
