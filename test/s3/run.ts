import '../../local/node-version.ts'
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'

// The tests of what is stored, unchanged, on another S3: `npm run test:s3 -- http://host:port`, or
// that of S3_ENDPOINT, with the credentials in AWS_*. Files behind the address run instead of these.

const FILES = [
  'test/plugins/s3.test.ts',
  'test/routes/{media,flat}.test.ts',
  'test/routes/media/*.test.ts',
]

const [first, ...files] = process.argv.slice(2)
const endpoint = first ?? process.env.S3_ENDPOINT
if (!endpoint || !/^https?:\/\//.test(endpoint)) {
  console.error('Give the address of the store: npm run test:s3 -- http://127.0.0.1:9000')
  process.exit(1)
}
const root = join(import.meta.dirname, '../..')
const runner = join(root, 'test/run.ts')
const args = [
  runner,
  '--timeout=300',
  '--jobs=1',
  ...(files.length > 0 ? files : globSync(FILES, { cwd: root })),
]
const env = { ...process.env, TEST_S3_ENDPOINT: endpoint }
process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit', env }).status ?? 1
