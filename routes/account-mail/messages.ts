import type { Purpose } from './tokens.ts'
import { TOKEN_LIFE } from './tokens.ts'

// Lines of at most 72 characters stay readable in the files that development keeps.
const CALLS: Record<Purpose, string> = {
  verification: 'POST /v1/auth/email-verification/confirm',
  reset: 'POST /v1/auth/password-reset/confirm',
  change: 'POST /v1/auth/email-change/confirm',
}
const SUBJECTS: Record<Purpose, string> = {
  verification: 'Confirm your e-mail address',
  reset: 'Reset your password',
  change: 'Confirm your new e-mail address',
}
const WISHES: Record<Purpose, string> = {
  verification: 'Confirm that this e-mail address is yours.',
  reset: 'Somebody, probably you, asked for a new password of your account.',
  change: 'Somebody, probably you, wants to use this e-mail address for an account.',
}

/** Where a token can be used: a page of an app, which reads it from a link, or a form, into which it is typed. */
export type Places = { page?: string | undefined; form?: string | undefined }

/** The text of a mail with a token. */
export function messageWith(purpose: Purpose, token: string, { page, form }: Places) {
  // In the fragment, which browsers send to no server.
  const link = page && `Open this link:\n\n${page}#${new URLSearchParams({ purpose, token })}`
  const typed = form && `Open this page:\n\n${form}\n\nand type this token there:\n\n${token}`
  const way = link || typed || `Send this token with ${CALLS[purpose]}:\n\n${token}`
  return {
    subject: SUBJECTS[purpose],
    text: `${WISHES[purpose]}\n\n${way}\n\nIt is valid for ${TOKEN_LIFE} minutes and for one use.\nIf you did not ask for this mail, ignore it.\n`,
  }
}

export type Notice = {
  userId: number
  notice: keyof typeof NOTICES
  email?: string
  address?: string
}

const ADVICE =
  'If this was not you, reset your password now, and look at your sessions\nand at your e-mail address.'

export const NOTICES = {
  newNetwork: {
    subject: 'Your password was used in a new place',
    text: 'The right password of your account was sent from an address\nwhere you have not signed in before',
  },
  passwordChanged: {
    subject: 'Your password was changed',
    text: 'The password of your account was changed, and other sessions have ended',
  },
  passwordReset: {
    subject: 'Your password was reset',
    text: 'The password of your account was reset, and all sessions have ended',
  },
  factorOn: {
    subject: 'Your second factor is on',
    text: 'A login of your account needs your authenticator app or a passkey now',
  },
  factorOff: {
    subject: 'Your second factor is off',
    text: 'A login of your account needs the password alone now',
  },
  passkeyAdded: {
    subject: 'A passkey was added',
    text: 'A passkey was added to your account;\nwho has it and your password can sign in',
  },
  passkeyDeleted: {
    subject: 'A passkey was deleted',
    text: 'A passkey of your account was deleted',
  },
  exportAsked: {
    subject: 'Your data was asked for',
    text: 'An archive of all data of your account was asked for;\nwho is signed in to it can download the archive for seven days',
  },
  emailChanged: {
    subject: 'Your e-mail address was changed',
    text: 'Your account has another e-mail address now;\nthis one can no longer be used to sign in',
  },
}

export function noticeOf({ notice, address }: Notice) {
  const { subject, text } = NOTICES[notice]
  return { subject, text: `${text}${address ? `: ${address}` : ''}.\n\n${ADVICE}\n` }
}
