export type Hashtag = { tag: string; key: string; start: number; end: number }
export type Mention = { handle: string; start: number; end: number }

/** UTF-16 code units; the columns of tags hold as many characters. */
const TAG_MAX = 100
/** Different tags per tweet; further tags are plain text. */
const TAGS_PER_TWEET = 30

// UAX #31 (Unicode 17), section 6, requirement R8 with a profile, see README.md. The character sets
// are Node's and follow its Unicode version.
const NUMBER_SIGN = '[#\uFE5F\uFF03]'
const KEYCAP = String.raw`[*#]\uFE0F?\u20E3`
const CONTINUE = String.raw`(?:[[\p{XIDC}\p{ExtPict}\p{EComp}+\-]--[*#\uFE5F\uFF03]]|${KEYCAP})`
const AFTER_NO_WORD = String.raw`(?<![[\p{XIDC}&]--[\uFE00-\uFE0F]])`
const SIGN = String.raw`${NUMBER_SIGN}(?!\p{M})`
const TAG = `${AFTER_NO_WORD}${SIGN}(?<tag>${CONTINUE}+)`

/** Handles are Latin; scripts without spaces may follow directly, as in `@jiwoo님`. */
const SPACELESS = String.raw`[\p{sc=Hang}\p{sc=Hira}\p{sc=Kana}\p{sc=Han}]`
const HANDLE_LIKE = String.raw`[[\p{XIDC}--${SPACELESS}]@\uFE6B\uFF20]`
const MENTION = String.raw`(?<!${HANDLE_LIKE})[@\uFE6B\uFF20](?<handle>[A-Za-z0-9_]{3,30})(?!${HANDLE_LIKE}|\.[A-Za-z0-9])`

/** Matches links only to ignore tags and mentions in them. */
const LINK_START = String.raw`[A-Za-z][A-Za-z0-9+.\-]*:\/\/|www\.|(?:[A-Za-z0-9\-]+\.)+[A-Za-z]{2,}\/`
const LINK = String.raw`(?<![A-Za-z0-9])(?:${LINK_START})[^\s<>"。、，！？「」『』（）＃＠]*`

const PATTERN = new RegExp(`${LINK}|${TAG}|${MENTION}`, 'gv')
const SIGN_FIRST = new RegExp(`^${SIGN}`, 'v')
const WHOLE_TAG = new RegExp(String.raw`^(?!\p{M})${CONTINUE}+$`, 'v')
/** A visible character besides digits and signs; two hieroglyphs are blank. */
const TELLING = /[[\p{Alphabetic}\p{ExtPict}\p{EPres}\u20E3]--[\u{13441}\u{13442}]]/v

/** A quick test, since most texts have neither tags nor mentions. */
export const ANY_SIGN = /[#\uFE5F\uFF03@\uFE6B\uFF20]/

/** Hashtags and mentions in the order of the text; offsets count code points and include the sign. */
export function parse(text: string) {
  const hashtags: Hashtag[] = []
  const mentions: Mention[] = []
  const keys = new Set<string>()
  if (!ANY_SIGN.test(text)) return { hashtags, mentions }
  let [index, start] = [0, 0]
  for (const { 0: whole, index: at, groups = {} } of text.matchAll(PATTERN)) {
    start += count(text.slice(index, at))
    index = at
    const end = start + count(whole)
    if (groups.handle) mentions.push({ handle: groups.handle.toLowerCase(), start, end })
    const key = groups.tag === undefined ? undefined : keyOf(groups.tag)
    if (!groups.tag || key === undefined) continue
    if (keys.size === TAGS_PER_TWEET && !keys.has(key)) continue
    keys.add(key)
    hashtags.push({ tag: groups.tag, key, start, end })
  }
  return { hashtags, mentions }
}

/** Reads a tag with or without its sign; returns undefined if the input is not a tag. */
export function readTag(input: string) {
  const text = input.normalize('NFC').replace(SIGN_FIRST, '')
  const [found] = parse(`#${text}`).hashtags
  return found?.tag === text ? { tag: text, key: found.key } : undefined
}

/** The key that equal tags share; undefined if too long or without a visible character. */
function keyOf(tag: string) {
  const key = normalise(tag)
  const fits = tag.length <= TAG_MAX && key.length <= TAG_MAX
  return fits && WHOLE_TAG.test(key) && TELLING.test(key) ? key : undefined
}

const VARIATION_SELECTOR = /[\uFE00-\uFE0F]/g
/** Invisible characters; the group captures parts of emoji sequences, which stay. */
const INVISIBLE =
  /(\u{1F3F4}[\u{E0020}-\u{E007E}]+\u{E007F}|(?<=[\p{ExtPict}\p{EMod}])\u200D(?=\p{ExtPict}))|\p{DI}/gv

/** NFKC_Casefold (Unicode, section 3.13) that leaves the invisible parts of emoji in place. */
function normalise(tag: string) {
  const visible = tag
    .normalize('NFKC')
    .replaceAll(VARIATION_SELECTOR, '')
    .replaceAll(INVISIBLE, (_, sequence: string | undefined) => sequence ?? '')
  return Array.from(visible, fold).join('').normalize('NFKC')
}

/** Full case folding of one code point; alone, a sigma never folds as a final sigma. */
const fold = (char: string) =>
  char === 'ı' ? char : char.toLowerCase().toUpperCase().toLowerCase()

const count = (text: string) => [...text].length
