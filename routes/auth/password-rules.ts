/** Fewest characters that a password has besides words that belong to the account or to Birdhouse. */
const OWN_REST = 5
/** Shorter words are in too many good passwords. */
const WORD = 4

/** The words of an account: name, handle and the parts of the e-mail address. */
type Words = { name: string; email: string; handle?: string | undefined }

/**
 * Whether a new password is little more than words that an attacker knows (NIST SP 800-63B, section
 * 3.1.1.2). Case does not matter.
 */
export function isGuessable(password: string, { name, email, handle = '' }: Words) {
  const plain = password.normalize('NFKC').toLowerCase()
  const text = `${name} ${email} ${handle} birdhouse`.toLowerCase()
  const words = [...text.matchAll(/[\p{L}\p{N}_]+/gu)]
    .map(([word]) => word)
    .filter((word) => word.length >= WORD)
  // The longest first: without `bird`, the rest of `birdhouse` would count.
  const known = [email.toLowerCase(), handle.toLowerCase(), ...words]
    .filter((word) => word !== '')
    .sort((a, b) => b.length - a.length)
  const rest = known.reduce((left, word) => left.replaceAll(word, ''), plain)
  return rest.length < OWN_REST
}
