import { join, relative } from 'node:path'
import semver from 'semver'
import packageJson from '../package.json' with { type: 'json' }

// The first import of every file that a user starts: an older Node that reads TypeScript would start
// the service and then fail in requests.

const needed = packageJson.engines.node
if (!semver.satisfies(process.versions.node, needed, { includePrerelease: true })) {
  const [node, file] = [
    join(import.meta.dirname, '../node_modules/.bin/node'),
    process.argv[1] ?? '',
  ].map((path) => relative('', path))
  console.error(
    `Birdhouse needs Node ${needed}, and this is Node ${process.versions.node}. Start it with npm (npm start, npm run ...), which uses the Node that npm install has brought, or with ${node} ${file}`,
  )
  process.exit(1)
}
