/** Fewest characters that a password has besides words that belong to the account or to Birdhouse. */
const OWN_REST = 5
/** Shorter words are in too many good passwords. */
const WORD = 4

/** The words of an account: name, handle and the parts of the e-mail address. */
type Words = { name: string; email: string; handle?: string | undefined }

/**
 * Returns what is wrong with a new password, or undefined (NIST SP 800-63B, section 3.1.1.2): it is one of
 * 50,000 common passwords, or little more than words that an attacker knows. Case does not matter.
 */
export async function weakness(password: string, { name, email, handle = '' }: Words) {
  const plain = password.normalize('NFKC').toLowerCase()
  if ((await common()).has(plain)) return 'is a common password; choose another'
  const words = [
    ...`${name} ${email} ${handle} birdhouse`.toLowerCase().matchAll(/[\p{L}\p{N}_]+/gu),
  ]
    .map(([word]) => word)
    .filter((word) => word.length >= WORD)
  const rest = [email.toLowerCase(), handle.toLowerCase(), ...words].reduce(
    (text, word) => (word ? text.replaceAll(word, '') : text),
    plain,
  )
  return rest.length < OWN_REST
    ? 'consists of your name, handle or e-mail address, or of birdhouse; choose another'
    : undefined
}

let loading: Promise<ReadonlySet<string>> | undefined

/** Loaded for the first new password: takes 0.2 s and 21 MB, which other processes save. */
const common = () => {
  loading ??= import('@zxcvbn-ts/language-common').then(
    ({ dictionary }) => new Set(dictionary['passwords-common']),
  )
  return loading
}
