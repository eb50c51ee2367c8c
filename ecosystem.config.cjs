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
      // Megabytes; Node's own choice grows a process by 150 MB without making it faster.
      node_args: '--max-semi-space-size=8',
      exec_mode: 'cluster',
      instances: 'max',
      // Milliseconds; migrations may run before a process says that it is ready.
      wait_ready: true,
      listen_timeout: 60_000,
      // Milliseconds; a little more than server.ts takes at most.
      kill_timeout: 30_000,
      // Milliseconds, growing: a database that is down for minutes is no reason to give up.
      exp_backoff_restart_delay: 100,
      env: { NODE_ENV: 'production' },
    },
  ],
}
