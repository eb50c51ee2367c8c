/** Handles that a reader takes for the operator of the service, or that name nobody (RFC 2142 has some). */
const RESERVED =
  'abuse account admin administrator api billing birdhouse contact everyone help hostmaster info legal me mod moderation moderator news nobody noreply no_reply null official operator owner postmaster press privacy root security settings staff status support sysadmin system team terms trust undefined webmaster'

/** Returns a test for handles that nobody may take; `more` is a comma-separated list. */
export function createReserved(more: string) {
  const reserved = new Set(`${RESERVED} ${more}`.split(/[ ,]+/).filter(Boolean))
  return (handle: string) => reserved.has(handle.replaceAll(/^_+|_+$/g, '')) || reserved.has(handle)
}
