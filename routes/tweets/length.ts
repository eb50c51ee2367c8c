/** Characters of a tweet's text, counted as clients of Mastodon count them, so that none offers what is refused. */
export const TWEET_MAX = 300
/** Code points of a text as it is stored: the width of the column. */
export const STORED_MAX = 1_200
/** Characters that an address counts at most. */
export const LINK = 23
/** Code points of the longest emoji, a family of four skin tones. More marks on one letter count as another. */
const LONGEST = 11

const ADDRESS = /https?:\/\/[^\s<>"]+/g
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

const pointsIn = (text: string) => [...text].length

/** True if the text, in NFC, has more than `TWEET_MAX` characters. */
export function isTooLong(text: string) {
  // No character has less than one code point, and segmenting takes fifty times as long.
  if (pointsIn(text) <= TWEET_MAX) return false
  let length = 0
  const rest = text.replaceAll(ADDRESS, (address) => {
    length += Math.min(pointsIn(address), LINK)
    return ''
  })
  for (const { segment } of graphemes.segment(rest))
    length += Math.ceil(pointsIn(segment) / LONGEST)
  return length > TWEET_MAX
}
