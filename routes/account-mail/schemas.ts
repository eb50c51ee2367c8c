import { Email, NewPassword, Password, SecondFactorProof } from 'birdhouse/schemas'
import { Type } from 'typebox'

const closed = { additionalProperties: false }
const token = Type.String({
  pattern: '^[A-Za-z0-9_-]{43}$',
  description: 'The token in the mail; valid for 30 minutes and one use.',
})

export const Token = Type.Object({ token }, closed)
export const ResetRequest = Type.Object({ email: Email }, closed)
export const Reset = Type.Object({ token, newPassword: NewPassword }, closed)
export const EmailChange = Type.Object(
  { email: Email, password: Password, ...SecondFactorProof },
  closed,
)
export const Accepted = Type.Null({
  description: 'The mail is on its way; the answer has no body.',
})
