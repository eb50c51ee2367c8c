import { relative } from 'node:path'
import { satisfies } from 'semver'
import packageJson from '../package.json' with { type: 'json' }

// The first import of every file that a user starts: an older Node that can read TypeScript starts
// the service as well, which then fails in its requests.

const needed = packageJson.engines.node
if (!satisfies(process.versions.node, needed, { includePrerelease: true })) {
  const file = relative('', process.argv[1] ?? '')
  console.error(
    `Birdhouse needs Node ${needed} and this is Node ${process.versions.node}. Use an npm script such as npm start, or the Node that npm install has brought: node_modules/.bin/node ${file}`,
  )
  process.exit(1)
}
