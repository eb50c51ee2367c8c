import fc from 'fast-check'
import t from 'tap'
import { cleanText } from '../../plugins/text.ts'
import { call, setUp, signUp } from '../helper.ts'

// The lists of Unicode 17 (DerivedCoreProperties.txt, PropList.txt, UnicodeData.txt), written out so
// that they don't come from the same regular expressions as those of the service.
const INVISIBLE: Record<string, [number, number][]> = {
  ignorable: [
    [0x00ad, 0x00ad],
    [0x034f, 0x034f],
    [0x061c, 0x061c],
    [0x115f, 0x1160],
    [0x17b4, 0x17b5],
    [0x180b, 0x180f],
    [0x200b, 0x200f],
    [0x202a, 0x202e],
    [0x2060, 0x206f],
    [0x3164, 0x3164],
    [0xfe00, 0xfe0f],
    [0xfeff, 0xfeff],
    [0xffa0, 0xffa0],
    [0xfff0, 0xfff8],
    [0x1bca0, 0x1bca3],
    [0x1d173, 0x1d17a],
    [0xe0000, 0xe0fff],
  ],
  'white space': [
    [0x20, 0x20],
    [0xa0, 0xa0],
    [0x1680, 0x1680],
    [0x2000, 0x200a],
    [0x2028, 0x2029],
    [0x202f, 0x202f],
    [0x205f, 0x205f],
    [0x3000, 0x3000],
  ],
  blank: [
    [0x2800, 0x2800],
    [0xfff9, 0xfffc],
    [0x13441, 0x13442],
    [0x1d159, 0x1d159],
  ],
  'private use': [
    [0xe000, 0xf8ff],
    [0xf0000, 0xffffd],
    [0x100000, 0x10fffd],
  ],
  unassigned: [
    [0x0378, 0x0379],
    [0x0530, 0x0530],
    [0x2fe0, 0x2fef],
  ],
}

/** Texts as people write them: scripts, and emoji made of several code points. */
const VISIBLE = [
  'Hong',
  '홍길동',
  '\u1112\u1169\u11bc',
  'ㅎ',
  'ﾡ',
  'क्षि',
  'می‌خواهم',
  'שָׁלוֹם',
  'Zoë',
  '李',
  '❤️',
  '👨‍👩‍👧‍👦',
  '👋🏽',
  '🏴󠁧󠁢󠁳󠁣󠁴󠁿',
  '🇰🇷',
  '1️⃣',
  '葛󠄀',
  // Reserved for an emoji of a later Unicode.
  '\u{1fc00}',
  '.',
]

const invisible = fc
  .constantFrom(...Object.values(INVISIBLE).flat())
  .chain(([from, to]) => fc.integer({ min: from, max: to }))
  .map((codePoint) => String.fromCodePoint(codePoint))

/** Returns the problem with the text, or undefined. */
function problemOf(text: string, min: number) {
  try {
    return void cleanText(text, { field: 'text', min, max: 300 })
  } catch (error) {
    return (error as Error).message
  }
}

t.test('text of only invisible characters is rejected', async (t) => {
  const text = fc.string({ unit: invisible, minLength: 1, maxLength: 20 })
  const problem = '/body/text must have at least one visible character'
  fc.assert(
    fc.property(text, (hidden) => {
      t.equal(problemOf(hidden, 1), problem)
      t.equal(problemOf(hidden, 0), `${problem}, or be empty`)
      return t.passing()
    }),
  )
  t.equal(problemOf('', 0), undefined, 'empty text is allowed without min')
  t.equal(problemOf('', 1), problem)
})

t.test('text with one visible character is accepted', async () => {
  const hidden = fc.string({ unit: invisible, maxLength: 20 })
  const visible = fc.constantFrom(...VISIBLE)
  fc.assert(
    fc.property(hidden, visible, hidden, (before, shown, after) => {
      const text = `${before}${shown}${after}`
      return cleanText(text, { field: 'text', min: 1, max: 300 }) === text.normalize('NFC')
    }),
  )
})

t.test('noncharacters are rejected anywhere', async (t) => {
  const plane = fc.integer({ min: 0, max: 16 })
  const last = fc.tuple(plane, fc.constantFrom(0xfffe, 0xffff)).map(([n, end]) => n * 0x10000 + end)
  const noncharacter = fc.oneof(last, fc.integer({ min: 0xfdd0, max: 0xfdef }))
  fc.assert(
    fc.property(noncharacter, (codePoint) => {
      const written = `U+${codePoint.toString(16).toUpperCase()}`
      const text = `a${String.fromCodePoint(codePoint)}b`
      t.match(problemOf(text, 1), `must not contain ${written}, which`)
      return t.passing()
    }),
  )
})

t.test('invisible and deceptive text is rejected over HTTP', async (t) => {
  const app = await setUp(t)
  const user = await signUp(app, 'Hong')
  const patch = (body: object) => call(app, 'PATCH /v1/users/me', { as: user, body })
  const newTweet = (text: string) => call(app, 'POST /v1/tweets', { as: user, body: { text } })
  const email = 'unseen@example.com'
  const HIDDEN = ['\u3164', '\uffa0', '\u115f', '\u2800', '\u{1d159}', '\u{e0080}', '\ufffc']
  const NEVER = ['\ue000', '\u{10fffd}', '\ufdd0', '\uffff', '\u{1fffe}']

  t.test('every visible field rejects such text and says what to change', async (t) => {
    const account = { email, password: user.password, profile: '' }
    for (const hidden of [...HIDDEN, ...NEVER]) {
      const answers = {
        name: [
          await call(app, 'POST /v1/auth/sign-up', { body: { ...account, name: hidden } }),
          await patch({ name: hidden }),
        ],
        profile: [
          await call(app, 'POST /v1/auth/sign-up', {
            body: { ...account, name: 'Hong', profile: hidden },
          }),
          await patch({ profile: hidden }),
        ],
        text: [await newTweet(hidden)],
      }
      for (const [field, each] of Object.entries(answers)) {
        for (const { status, body } of each) {
          t.equal(status, 400, `${field} ${encodeURI(hidden)}`)
          t.match(body.errors, [{ path: `/body/${field}`, message: /^must (have|not contain) / }])
        }
      }
      const body = { ...account, name: hidden }
      const flat = await call(app, 'POST /sign-up', { body })
      t.equal(flat.status, 400)
      t.match(flat.body, /^\/body\/name must/)
    }
  })

  t.test('visible text is kept as sent', async (t) => {
    for (const text of VISIBLE.map((each) => each.normalize('NFC'))) {
      t.equal((await patch({ name: text, profile: text })).body.name, text)
      t.equal((await newTweet(text)).body.text, text)
    }
    t.equal((await patch({ profile: '' })).body.profile, '')
  })

  t.test('a name has no private-use and no bidirectional control characters', async (t) => {
    for (const mark of ['\uf8ff', '\u{f0000}', '\u202e', '\u202a', '\u2066', '\u2069']) {
      const written = `U+${mark.codePointAt(0)?.toString(16).toUpperCase()}`
      const { status, body } = await patch({ name: `Hong${mark}` })
      t.equal(status, 400, written)
      t.match(body.errors, [{ path: '/body/name', message: written }])
      const sentence = `a ${mark} in a sentence`
      t.equal((await newTweet(sentence)).body.text, sentence, 'a tweet may')
    }
    for (const word of [
      'Ho\u200bng',
      'Ho\u00adng',
      'Hong\u200d',
      'Hong\ufe0f',
      'Hong\u{e0067}',
      'a\u3164b',
    ]) {
      const { status, body } = await patch({ name: word })
      t.equal(status, 400, encodeURI(word))
      t.match(body.errors, [
        { path: '/body/name', message: /^must not contain U\+\w+, which is invis/ },
      ])
    }
    for (const mark of ['\u200e', '\u200f', '\u061c']) {
      t.equal((await patch({ name: `שלום${mark}!` })).status, 200, 'marks turn nothing around')
    }
  })
})
