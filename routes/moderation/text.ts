import type { FastifyInstance } from 'birdhouse'
import { TEXT_MAX } from './schemas.ts'

/** @throws 400 that names the field */
export const cleanReason = (app: FastifyInstance, text: string, field = 'reason', min = 1) =>
  app.cleanText(text, { field, min, max: TEXT_MAX })
