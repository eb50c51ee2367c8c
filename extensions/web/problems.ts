type Problem = { status: number; code: string; detail: string }

/** Sentences for people, where those of the API speak of its fields and paths. */
const SENTENCES: Record<string, string> = {
  WRONG_CREDENTIALS: 'The handle or e-mail address, or the password, is wrong.',
  WRONG_SECOND_FACTOR:
    'The code is wrong, too old or used already. Type the next code, or an unused recovery code.',
  WRONG_PASSWORD: 'The password is wrong.',
  SECOND_FACTOR_REQUIRED: 'Type a code of your authenticator app as well, or a recovery code.',
  SECOND_FACTOR_NOT_STARTED:
    'This set-up was replaced or is done already. If you did not see your recovery codes, switch the second factor off and on again.',
  INVALID_MAIL_TOKEN:
    'This token is wrong, was used, was replaced by that of a newer mail, or is older than 30 minutes. Ask for another mail.',
  LOGIN_EXPIRED: 'More than five minutes have passed since you typed the password. Type it again.',
  TWEET_NOT_FOUND: 'This tweet does not exist, or it was deleted.',
  USER_NOT_FOUND: 'There is nobody with this name here, or the account was deleted.',
  IDEMPOTENCY_KEY_REUSED:
    'This form has been sent already, with another content. Send it once more to post this as well.',
  INVALID_CURSOR: 'This page is not there any more. Begin with the newest tweets.',
}
const NOT_FOUND = 'There is nothing at this address.'
const WRONG_ADDRESS = 'There is a mistake in the address of this page.'

/** Fields of forms as their labels name them. */
const FIELDS: Record<string, string> = {
  name: 'The name',
  email: 'The e-mail address',
  password: 'The password',
  newPassword: 'The new password',
  code: 'The code',
  mailToken: 'The token',
  profile: 'The text about you',
  category: 'The reason',
  handle: 'The handle',
  invitation: 'The invitation',
  text: 'The text',
  alt: 'The description of the picture',
}

/** People follow or mistype an address, so that a page with a malformed one does not exist. */
export const isWrongAddress = ({ code, detail }: Problem) =>
  code === 'INVALID_URL' || (code === 'VALIDATION_FAILED' && detail.startsWith('/params/'))

/** The end of a sentence that says how to appeal through the API. */
const APPEAL = / To appeal once, .*$/s

export function inWords(problem: Problem) {
  const { status, code, detail } = problem
  if (code === 'ACCOUNT_SUSPENDED') return detail.replace(APPEAL, '')
  if (isWrongAddress(problem)) return WRONG_ADDRESS
  if (code === 'VALIDATION_FAILED')
    return detail.startsWith('/body/')
      ? detail.replaceAll(/\/body\/(\w+)/g, (_path, field: string) => FIELDS[field] ?? field)
      : WRONG_ADDRESS
  return SENTENCES[code] ?? (status === 404 ? NOT_FOUND : detail)
}
