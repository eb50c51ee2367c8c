import { access, readFile } from 'node:fs/promises'
import t from 'tap'

/** How many requirements of levels 1 and 2 each section of ASVS 5.0.0 has; those of level 3 come after them. */
const SECTIONS: Record<string, number> = {
  '1.1': 2,
  '1.2': 9,
  '1.3': 11,
  '1.4': 3,
  '1.5': 2,
  '2.1': 3,
  '2.2': 3,
  '2.3': 4,
  '2.4': 1,
  '3.2': 2,
  '3.3': 4,
  '3.4': 6,
  '3.5': 5,
  '3.7': 2,
  '4.1': 3,
  '4.2': 1,
  '4.3': 2,
  '4.4': 4,
  '5.1': 1,
  '5.2': 3,
  '5.3': 2,
  '5.4': 3,
  '6.1': 3,
  '6.2': 12,
  '6.3': 4,
  '6.4': 4,
  '6.5': 5,
  '6.6': 3,
  '6.8': 4,
  '7.1': 3,
  '7.2': 4,
  '7.3': 2,
  '7.4': 5,
  '7.5': 2,
  '7.6': 2,
  '8.1': 2,
  '8.2': 3,
  '8.3': 1,
  '8.4': 1,
  '9.1': 3,
  '9.2': 4,
  '10.1': 2,
  '10.2': 2,
  '10.3': 4,
  '10.4': 11,
  '10.5': 5,
  '10.6': 2,
  '10.7': 3,
  '11.1': 2,
  '11.2': 3,
  '11.3': 3,
  '11.4': 4,
  '11.5': 1,
  '11.6': 1,
  '12.1': 3,
  '12.2': 2,
  '12.3': 4,
  '13.1': 1,
  '13.2': 5,
  '13.3': 2,
  '13.4': 5,
  '14.1': 2,
  '14.2': 4,
  '14.3': 3,
  '15.1': 3,
  '15.2': 3,
  '15.3': 7,
  '16.1': 1,
  '16.2': 5,
  '16.3': 4,
  '16.4': 3,
  '16.5': 3,
  '17.1': 1,
  '17.2': 4,
  '17.3': 2,
}
const root = new URL('../../', import.meta.url)
const ANSWERS = ['yes', 'operator', 'none', 'no']

const page = await readFile(new URL('docs/asvs.md', root), 'utf8')
const rows = page
  .split('\n')
  .filter((line) => /^\| \d/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, numbers = '', answer = '', how = '', test = '']) => ({
    numbers: numbers.split(', '),
    answer,
    how,
    test,
  }))

t.test('the page answers each requirement of levels 1 and 2 once', async (t) => {
  const wanted = Object.entries(SECTIONS).flatMap(([section, count]) =>
    Array.from({ length: count }, (_, at) => `${section}.${at + 1}`),
  )
  t.strictSame(rows.flatMap(({ numbers }) => numbers).sort(), wanted.sort())
})

t.test('each row has an answer and its reason', async (t) => {
  for (const { numbers, answer, how } of rows) {
    t.ok(ANSWERS.includes(answer), `${numbers}: ${answer}`)
    t.not(how, '', numbers.join(', '))
  }
})

t.test('each named test exists', async (t) => {
  for (const { numbers, test } of rows) {
    const path = /^`((?:extensions\/\w+\/)?test\/[\w/.-]+\.test\.ts)`$/.exec(test)?.[1]
    if (test === '') continue
    t.ok(path, `${numbers}: ${test}`)
    if (path) await t.resolves(access(new URL(path, root)), path)
  }
})
