/** Handles that a reader takes for the operator of the service, or that name nobody (RFC 2142 has some). */
const RESERVED =
  'abuse account admin administrator api billing birdhouse contact everyone help hostmaster info legal me mod moderation moderator news nobody noreply no_reply null official operator owner postmaster press privacy root security settings staff status support sysadmin system team terms trust undefined webmaster'

/** Returns a test for handles that nobody may take; `more` is a comma-separated list. */
export function createReserved(more: string) {
  const reserved = new Set(`${RESERVED} ${more}`.split(/[ ,]+/).filter(Boolean))
  const skeletons = new Set([...reserved].map(skeletonOf))
  return (handle: string) => reserved.has(handle) || skeletons.has(skeletonOf(handle))
}

/** Characters of handles that look alike (UTS #39): 0 and o; 1, l and i; rn and m. */
const skeletonOf = (handle: string) =>
  handle
    .replaceAll(/^_+|_+$/g, '')
    .replaceAll('0', 'o')
    .replaceAll(/[1i]/g, 'l')
    .replaceAll('rn', 'm')
