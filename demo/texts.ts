import { fill, type Topic, words } from './languages.ts'
import type { Person } from './people.ts'
import type { Random } from './random.ts'

const MAX_CODE_POINTS = 300
const ATTEMPTS = 50

/** Writes texts. No post is repeated, and no reply below the same post. */
export function createWriter(random: Random) {
  const written = new Set<string>()
  /** The number of picks when a sentence was last picked. */
  const picked = new Map<string, number>()
  let picks = 0

  const post = (author: Person, topic: Topic) => unlike('', () => compose(author, topic))

  /** Without a topic, for a reply to a reply, the text fits any tweet. */
  const reply = (author: Person, parent: number, topic: Topic | undefined) =>
    unlike(`${parent} `, () => react(author, topic))

  function unlike(scope: string, write: () => string) {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const text = write().normalize('NFC')
      if (written.has(scope + text) || [...text].length > MAX_CODE_POINTS) continue
      written.add(scope + text)
      return text
    }
    throw new Error('The demo data need more sentences; add some to demo/languages.')
  }

  function compose({ language }: Person, topic: Topic) {
    const say = (sentences: string[]) => fill(rested(sentences), language, random)
    const lead = random.chance(0.3) ? say(language.leads) + language.gap : ''
    const opener = lead + say(topic.openers)
    const tail = random.chance(0.75) ? pause(language.gap) + say(topic.tails) : ''
    const tag = random.chance(0.12) ? `\n\n#${topic.tag}` : ''
    return opener + tail + emoji(topic, 0.5) + tag
  }

  /** Picks the less recent of two sentences, so that a page rarely shows the same sentence twice. */
  function rested(sentences: string[]) {
    const age = (sentence: string) => picked.get(sentence) ?? 0
    const [sentence = ''] = random.sample(sentences, 2).sort((a, b) => age(a) - age(b))
    picked.set(sentence, ++picks)
    return sentence
  }

  const pause = (gap: string) => (random.chance(0.75) ? gap : random.chance(0.6) ? '\n' : '\n\n')

  function emoji(topic: Topic, probability: number) {
    if (!random.chance(probability)) return ''
    return ` ${random.sample(words(topic.emoji), random.chance(0.2) ? 2 : 1).join('')}`
  }

  function react({ language }: Person, topic: Topic | undefined) {
    const reaction = fill(rested(language.reactions), language, random)
    if (!topic || random.chance(0.35)) return reaction
    const answer = fill(rested(topic.answers), language, random)
    const text = random.chance(0.35) ? reaction + language.gap + answer : answer
    return text + emoji(topic, 0.2)
  }

  return { post, reply }
}
