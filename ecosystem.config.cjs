// PM2 keeps its files in the project (PM2_HOME in the npm scripts) and reads the settings from the
// environment of `npm run prod` or from .env. `npm run prod:reload` starts new processes and stops an
// old process only when its successor is ready, so that no request is dropped.

const { readFileSync } = require('node:fs')
const { join } = require('node:path')

// PM2 remembers the variables of earlier starts, and an exported one beats .env. Each setting is named here, so that a
// variable that is no longer exported becomes empty, which counts as not set.
const example = readFileSync(join(__dirname, '.env.example'), 'utf8')
const names = [...example.matchAll(/^(?:# )?([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name)
const aws = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE']
const settings = Object.fromEntries(
  [...names, ...aws].map((name) => [name, process.env[name] ?? '']),
)

module.exports = {
  apps: [
    {
      name: 'birdhouse',
      script: 'server.ts',
      cwd: __dirname,
      // Node 24, from the npm package of that name.
      interpreter: `${__dirname}/node_modules/.bin/node`,
      // With Node's default a process takes 40 MB more under load; see docs/performance.md.
      node_args: '--max-semi-space-size=16',
      exec_mode: 'cluster',
      instances: 'max',
      // Milliseconds; migrations may run before a process is ready.
      wait_ready: true,
      listen_timeout: 60_000,
      // Milliseconds; more than CLOSE_TIMEOUT in server.ts.
      kill_timeout: 30_000,
      // Milliseconds, growing: PM2 keeps restarting while a database is down for minutes.
      exp_backoff_restart_delay: 100,
      env: {
        ...settings,
        NODE_ENV: 'production',
        // Caches compiled TypeScript: halves the start and saves the compiler's 20 MB.
        NODE_COMPILE_CACHE: `${__dirname}/node_modules/.cache/node`,
        // One heap of the C library for all threads saves 10 MB.
        MALLOC_ARENA_MAX: '1',
      },
    },
  ],
}
