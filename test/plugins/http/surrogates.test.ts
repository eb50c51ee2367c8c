import fc from 'fast-check'
import t from 'tap'
import { findLoneSurrogate } from '../../../plugins/http/surrogates.ts'

const pieces = fc.constantFrom('a', '\\', '"', 'ud800', '\\ud800', '\ud83d', '\udc26', '🐦', '안')
const text = fc.array(pieces, { maxLength: 5 }).map((list) => list.join(''))
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(text, fc.integer(), fc.array(tie('value')), fc.dictionary(text, tie('value'))),
}))

/** Every character as an escape, which is JSON all the same. */
const escaped = (json: string) =>
  json.replaceAll(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

t.test('half of a pair is found wherever JSON may hold it, and nothing else', async (t) => {
  const found = fc.property(value, (value) => {
    const json = JSON.stringify(value)
    const strings: string[] = []
    JSON.parse(json, (key, each) => {
      strings.push(key)
      if (typeof each === 'string') strings.push(each)
      return each
    })
    const lone = strings.some((each) => !each.isWellFormed())
    return [json, escaped(json)].every(
      (each) => (findLoneSurrogate(each, JSON.parse(each)) !== undefined) === lone,
    )
  })
  t.doesNotThrow(() => fc.assert(found, { numRuns: 5000 }))
})
