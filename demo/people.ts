import anyAscii from 'any-ascii'
import { ACCOUNT_LIMITS } from '../plugins/schemas.ts'
import { english, fill, type Language, languages, type Topic, words } from './languages.ts'
import type { Random } from './random.ts'

export type Person = {
  index: number
  name: string
  handle: string
  email: string
  profile: string
  createdAt: Date
  language: Language
  interests: Topic[]
  /** Weight in the choice of followees. */
  fame: number
}

const DOMAIN = 'birdhouse.example'
export const DEMO_LOGIN = { email: `demo@${DOMAIN}`, password: 'birdhouse' }

const INTERESTS = 3

/** Given names with a bird as surname, so that no real person is named. The demo user is first. */
export function createPeople(random: Random, from: number, to: number): Person[] {
  const demo = {
    name: 'Demo Bird',
    handle: 'demo',
    profile: 'Log in as me and look around. 🐦',
    language: english,
  }
  const others = random.shuffle(languages.flatMap((language) => strangers(language, random)))
  const handles = new Set(others.map(({ handle }) => handle))
  if (handles.size < others.length)
    throw new Error('Two people of the demo data have the same handle; change one of them.')
  const joined = random.moments(others.length, from, to)
  return [demo, ...others].map((person, index) => ({
    ...person,
    index,
    email: `${person.handle}@${DOMAIN}`,
    createdAt: new Date(joined[index - 1] ?? from),
    interests: random.sample(person.language.topics, INTERESTS),
    // A power law: the weight of rank n is 1/n.
    fame: 1 / Math.max(index, 1),
  }))
}

function strangers(language: Language, random: Random) {
  const names = words(language.given).flatMap((given) =>
    words(language.bird).map((bird) =>
      language.name.replace('{given}', given).replace('{bird}', bird).normalize('NFC'),
    ),
  )
  return random.sample(names, language.people).map((name) => ({
    name,
    handle: handleOf(name),
    profile: bio(language, random),
    language,
  }))
}

const handleOf = (name: string) =>
  anyAscii(name)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_|_$/g, '')
    .slice(0, ACCOUNT_LIMITS.handle.max)

const bio = (language: Language, random: Random) =>
  random
    .sample(language.bios, random.between(1, 2))
    .map((sentence) => fill(sentence, language, random))
    .join(language.gap)
    .normalize('NFC')
