// PM2 keeps its files in the project (PM2_HOME in the npm scripts) and takes the settings from the
// environment of `npm run prod` or from .env. `npm run prod:reload` starts the new processes, and
// tells an old one to end only when its successor is ready, so that no request is dropped.

module.exports = {
  apps: [
    {
      name: 'birdhouse',
      script: 'server.ts',
      cwd: __dirname,
      // Node 24, from the npm package of that name.
      interpreter: `${__dirname}/node_modules/.bin/node`,
      // Node's own choice lets a process grow to 600 MB under load without making it noticeably faster,
      // see docs/performance.md.
      node_args: '--max-semi-space-size=8 --heap-growing-percent=30',
      exec_mode: 'cluster',
      instances: 'max',
      // Milliseconds; migrations may run before a process says that it is ready.
      wait_ready: true,
      listen_timeout: 60_000,
      // Milliseconds; a little more than server.ts takes at most.
      kill_timeout: 30_000,
      // Milliseconds, growing: a database that is down for minutes is no reason to give up.
      exp_backoff_restart_delay: 100,
      env: {
        NODE_ENV: 'production',
        // What TypeScript was made into is kept: a start in half the time, without the compiler's 20 MB.
        NODE_COMPILE_CACHE: `${__dirname}/node_modules/.cache/node`,
        // One heap of the C library for all threads, which have little to say: 10 MB.
        MALLOC_ARENA_MAX: '1',
      },
    },
  ],
}
