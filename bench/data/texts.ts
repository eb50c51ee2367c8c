import { createRandom } from '../../demo/random.ts'

/** Number of different texts; more would not change any measurement. */
const TEXTS = 20_000
const WORDS =
  'a and are at be bird birds but can could day every feather fly for garden has have he her his how I in is it just keep like look morning my near nest never new not of on one our over people river saw see seen she sing so some song spring that the their them there they this to today tree two under was we went what when where window wing winter with you your 🐦 🌲 ☀️ café über naïve'.split(
    ' ',
  )

/** Code points: mostly short, some of maximum length, distributed like real tweets. */
const LENGTHS = [
  { chance: 0.35, from: 15, to: 60 },
  { chance: 0.4, from: 60, to: 140 },
  { chance: 0.2, from: 140, to: 260 },
  { chance: 0.05, from: 260, to: 300 },
]

/** Returns the text of a tweet by its id. */
export function createTexts() {
  const random = createRandom(5)
  const texts = Array.from({ length: TEXTS }, () => write(length()))

  function length() {
    let chance = random.next()
    for (const { chance: share, from, to } of LENGTHS) {
      if (chance < share) return random.between(from, to)
      chance -= share
    }
    return 100
  }

  function write(length: number) {
    let text = random.pick(WORDS)
    let left = length - [...text].length
    while (left > 0) {
      const word = random.pick(WORDS)
      text += ` ${word}`
      left -= [...word].length + 1
    }
    return [...text].slice(0, length).join('').trimEnd()
  }

  return (id: number) => texts[(id * 7_919) % TEXTS] ?? ''
}
