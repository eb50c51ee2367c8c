// Lines of at most 72 characters stay readable in the files that development keeps.

const APPROVED = {
  subject: 'Your account is approved',
  text: 'A moderator has approved your account. You can log in now.\n',
}

/** The mail that tells a person the outcome; `reason` is null for an approval. */
export function messageOf(reason: string | null) {
  if (reason === null) return APPROVED
  return {
    subject: 'Your account is not approved',
    text: `A moderator has refused your account, and it is deleted. The reason:\n\n${reason}\n`,
  }
}
