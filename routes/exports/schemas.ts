import { Id, nullable, Password, SecondFactorProof, Timestamp } from 'birdhouse/schemas'
import { type Static, Type } from 'typebox'

declare module 'fastify' {
  interface Resources {
    DataExport: Static<typeof DataExport>
  }
}

export const ExportRequest = Type.Object(
  { password: Password, ...SecondFactorProof },
  { additionalProperties: false },
)

export const DataExport = Type.Object(
  {
    id: Id,
    status: Type.Union([
      Type.Literal('inProgress'),
      Type.Literal('ready'),
      Type.Literal('failed', { description: 'Ask for another.' }),
    ]),
    bytes: nullable(Type.Integer({ description: 'Size of the archive.' })),
    createdAt: Timestamp,
    readyAt: nullable(Timestamp),
    expiresAt: nullable(Timestamp),
  },
  { $id: 'DataExport' },
)
