import ar from './languages/ar.json' with { type: 'json' }
import de from './languages/de.json' with { type: 'json' }
import en from './languages/en.json' with { type: 'json' }
import es from './languages/es.json' with { type: 'json' }
import hi from './languages/hi.json' with { type: 'json' }
import ja from './languages/ja.json' with { type: 'json' }
import ko from './languages/ko.json' with { type: 'json' }
import pt from './languages/pt.json' with { type: 'json' }
import zh from './languages/zh.json' with { type: 'json' }
import type { Random } from './random.ts'

/** Any opener fits any tail and any answer of its topic. */
export type Topic = {
  tag: string
  emoji: string
  openers: string[]
  tails: string[]
  answers: string[]
}

/** Lists of words are one string, separated by commas; lists of sentences are arrays. */
export type Language = {
  people: number
  /** Separator of two sentences. */
  gap: string
  name: string
  given: string
  bird: string
  words: Record<string, string>
  bios: string[]
  leads: string[]
  topics: Topic[]
  reactions: string[]
}

export const english: Language = en
export const languages: Language[] = [en, ko, ja, es, de, pt, zh, ar, hi]

export const words = (list: string) => list.split(', ')

/** Fills the slots of a sentence with words of the language; `{n}` is a number from 3 to 9. */
export function fill(sentence: string, language: Language, random: Random) {
  const filled = sentence.replaceAll(/\{(\w+)\}/g, (_, slot: string) =>
    slot === 'n' ? `${random.between(3, 9)}` : random.pick(words(language.words[slot] ?? '')),
  )
  return filled.charAt(0).toUpperCase() + filled.slice(1)
}
