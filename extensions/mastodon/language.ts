import { Unsupported } from './errors.ts'

/** A short tag in its usual form; some clients send an empty one for none. @throws Unsupported */
export function languageIn(tag: string | undefined) {
  if (!tag) return undefined
  const isShort = /^[a-z]{2,3}(-[a-z0-9]{2,8}){0,2}$/i.test(tag) && tag.length <= 20
  if (!isShort)
    throw new Unsupported(`The language ${tag} is not a short tag of BCP 47, such as en.`)
  return Intl.getCanonicalLocales(tag)[0]
}
