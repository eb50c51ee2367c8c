import { Password, SecondFactorCode } from 'birdhouse/schemas'
import { Type } from 'typebox'

/** Fields of the forms that ask for the password, and for a code where a second factor is on. */
export const Proof = { password: Password, code: Type.Optional(SecondFactorCode) }

type Sent = { password: string; code?: string | undefined }

export const proof = ({ password, code }: Sent) => ({ password, ...(code && { code }) })
