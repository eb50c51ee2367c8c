import fc from 'fast-check'
import t from 'tap'
import { parse, readTag } from '../parse.ts'

const toKey = (input: string) => readTag(input)?.key
const tags = (text: string) => parse(text).hashtags.map(({ tag }) => tag)
const handles = (text: string) => parse(text).mentions.map(({ handle }) => handle)
const slice = (text: string, { start, end }: { start: number; end: number }) =>
  [...text].slice(start, end).join('')

const FAMILY = '👨‍👩‍👧‍👦'
const ENGLAND = '🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}'

t.test('hashtags are recognised in any script', async (t) => {
  const cases: Record<string, string[]> = {
    '#bird': ['bird'],
    '새를 봤다 #참새, #제비!': ['참새', '제비'],
    '＃새 ﹟鳥': ['새', '鳥'],
    [`#${FAMILY} #${ENGLAND} #👍🏽 #🇰🇷 #❤️‍🔥day`]: [FAMILY, ENGLAND, '👍🏽', '🇰🇷', '❤️‍🔥day'],
    '#नमस्ते #ශ්‍රී #สวัสดี': ['नमस्ते', 'ශ්‍රී', 'สวัสดี'],
    '#می‌خواهم است #שלום, #مرحبا!': ['می‌خواهم', 'שלום', 'مرحبا'],
    '#c++ #covid-19 #a_b #1st #1️⃣ ##️⃣': ['c++', 'covid-19', 'a_b', '1st', '1️⃣', '#️⃣'],
    '🎉#party ❤️#love (#in) "#quoted" *#bold*': ['party', 'love', 'in', 'quoted', 'bold'],
    '##twice #a#b': ['twice', 'a'],
    'x#y 가#나 3#z &#x27; #️⃣ # #1 #２０ #_ #-1 #‼️ #\u0301a #\u{E0067}\u20E3': [],
    '#\u3164 #\uFFA0 #\u115F #\u2800 #\u{13441} #\u{E0080}': [],
    'http://x/#frag https://x.kr/가/#나?#다 www.x.com#a x.com/#b git+ssh://x#c': [],
    '보기 https://x.kr/a。#뒤': ['뒤'],
    [`#${'a'.repeat(100)} #${'b'.repeat(101)}`]: ['a'.repeat(100)],
    [`#${'😀'.repeat(51)} #${'ﬀ'.repeat(51)}`]: [],
  }
  for (const [text, expected] of Object.entries(cases)) t.strictSame(tags(text), expected, text)
  const many = Array.from({ length: 40 }, (_, n) => `#tag${n}`).join(' ')
  t.equal(tags(`${many} #tag0`).length, 31, 'thirty different ones, as often as one likes')
})

t.test('mentions are recognised', async (t) => {
  const cases: Record<string, string[]> = {
    '@bob hi @Ann_3! ＠cho ﹫dan': ['bob', 'ann_3', 'cho', 'dan'],
    '.@bob (@ann) RT @cho: 🎉@dan @eve. @fay,@gus/@hal': [
      ...['bob', 'ann', 'cho', 'dan', 'eve', 'fay', 'gus', 'hal'],
    ],
    '@jiwoo님 안녕@bora ありがとう@taroさん': ['jiwoo', 'bora', 'taro'],
    'a@bob.com 한글@bob.com @bob.com @bob@x.org @ab @josé @bоb @bob\u0301 ſ@bob': [],
    [`@${'a'.repeat(30)} @${'b'.repeat(31)}`]: ['a'.repeat(30)],
    'http://x/@bob medium.com/@bob https://x.org/@bob#@ann': [],
    '@bo\u212A @\u017Fam': [],
  }
  for (const [text, expected] of Object.entries(cases)) t.strictSame(handles(text), expected, text)
})

t.test('spellings of the same tag are equal', async (t) => {
  const same = [
    ['Birds', 'BIRDS', 'ｂｉｒｄｓ', '#birds', '＃Birds'],
    ['새소리', '새소리'.normalize('NFD')],
    ['Straße', 'STRASSE', 'STRAẞE'],
    ['ΟΔΟΣ', 'οδος', 'οδοσ'],
    ['ﾊﾞｰﾄﾞ', 'バード'],
    ['❤️', '❤', '❤︎'],
    ['❤️‍🔥', '❤‍🔥'],
    ['می‌خواهم', 'میخواهم'],
    ['café', 'cafe\u0301', 'CAFÉ'],
    ['bird', 'bi\uFE0Frd', 'bird\u{E0067}', 'bi\u200Drd'],
  ]
  for (const [first = '', ...others] of same) {
    for (const other of others) t.equal(toKey(other), toKey(first) ?? 'none', `${first} ${other}`)
  }
  const different = [
    '👍',
    '👍🏽',
    '🏴',
    ENGLAND,
    FAMILY,
    FAMILY.replaceAll('\u200D', ''),
    'ırmak',
    'irmak',
  ]
  t.equal(new Set(different.map(toKey)).size, different.length)
  t.equal(toKey('#️⃣'), toKey('##️⃣'), 'a keycap is no sign')
  for (const none of ['', '#', '1', 'a b', 'a#b', '.', '##a', '!!']) t.equal(toKey(none), undefined)
})

t.test("tags are case-folded as by ICU's regular expressions", async (t) => {
  let compared = 0
  for (let code = 0x80; code < 0x20000; code++) {
    const char = String.fromCodePoint(code)
    if (!/\p{Changes_When_Casefolded}/u.test(char) || char.normalize('NFKC') !== char) continue
    const key = toKey(char)
    // Regular expressions know simple folding alone, where one character stays one.
    if (!key || [...key].length !== 1) continue
    compared++
    if (!new RegExp(`^${char}$`, 'iu').test(key) || key === char.toUpperCase()) t.fail(char)
  }
  t.ok(compared > 1_000, `${compared} characters compared`)
})

const WORDS = [
  ...['bird', '새소리', 'नमस्ते', 'می‌خواهم', 'שלום', 'Straße', 'c++', '鳥', FAMILY, ENGLAND],
  ...['👍🏽', '🇰🇷🇯🇵', '❤️‍🔥', '#️⃣', 'a_1', 'e\u0323\u0301', '\u{1D54F}', 'ᄀᆨ'],
]
const word = fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 4 })
const before = fc.constantFrom('', ' ', '\n', '(', '"', '…', '。', '🐦', ' 나는 ', 'http://x/#no ')
const after = fc.constantFrom('', ' ', '\n', ')', '!', '.', ',', '。', '…', ' 왔다')

t.test('a tag is found at its position', async (t) => {
  const piece = fc.record({ before, sign: fc.constantFrom('#', '＃', '﹟'), word, after })
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      let text = ''
      const expected = pieces.map((one) => {
        const tag = one.word.join('')
        text += `${one.before} `
        const start = [...text].length
        text += `${one.sign}${tag}`
        const found = { tag, start, end: [...text].length }
        text += `${one.after} `
        return found
      })
      t.strictSame(
        parse(text).hashtags.map(({ key: _, ...found }) => found),
        expected,
        JSON.stringify(text),
      )
    }),
  )
})

const UNITS = [
  ...'#＃@＠﹫a1_-+*./:&가é\u0301\u200c\u200d\ufe0f\u20e3 \n',
  'https://',
  'www.',
  '🐦',
]
const mixed = fc.string({
  unit: fc.constantFrom(...UNITS, '🏽', '🇰', 'ﬃ', 'Σ', 'İ', 'ẞ', '\u{E0067}'),
})
const anything = fc.oneof(
  mixed,
  fc.string({ unit: 'binary' }),
  fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units)),
)

t.test('in any text, offsets match the found tags and keys are stable', async (t) => {
  const seen = { hashtags: 0, mentions: 0 }
  const check = (raw: string) => {
    const text = raw.normalize('NFC')
    const { hashtags, mentions } = parse(text)
    seen.hashtags += hashtags.length
    seen.mentions += mentions.length
    for (const found of hashtags) {
      if (!/^[#＃﹟]/.test(slice(text, found)) || slice(text, found).slice(1) !== found.tag)
        return false
      const forms = [found.tag, found.key, found.tag.normalize('NFD'), `＃${found.tag}`]
      if (forms.some((form) => toKey(form) !== found.key)) return false
      if (tags(`a #${found.tag} b`)[0] !== found.tag) return false
    }
    return mentions.every(
      (found) =>
        slice(text, found).slice(1).toLowerCase() === found.handle &&
        !/[^a-z0-9_]/.test(found.handle),
    )
  }
  fc.assert(fc.property(anything, check), { numRuns: 5000 })
  t.ok(seen.hashtags > 0 && seen.mentions > 0, `checked ${JSON.stringify(seen)}`)
})
