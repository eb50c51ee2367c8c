# Two stages: npm installs the packages of the lock file, then only what the service needs is kept.
# The service runs on the Node.js that the lock file names by hash (node_modules/.bin/node).

FROM node:24-bookworm-slim AS packages
WORKDIR /srv/birdhouse
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM debian:bookworm-slim
WORKDIR /srv/birdhouse
COPY --from=packages /srv/birdhouse/node_modules ./node_modules
COPY package.json app.ts birdhouse.ts server.ts tracing.ts ./
COPY plugins ./plugins
COPY routes ./routes
COPY extensions ./extensions
COPY db ./db
COPY cli ./cli
COPY demo ./demo
COPY local ./local
# With its packages, for traces, if `npm ci --prefix tracing` ran before the build.
COPY tracing ./tracing
# An id that no user of the host has.
USER 10001:10001
# Uploads are written to /tmp: mount a tmpfs of at least 512 MB there, and the root file system read-only.
# The AWS SDK looks for its files in HOME, and fails where this user has no home.
ENV HOME=/srv/birdhouse NODE_ENV=production MALLOC_ARENA_MAX=1 PATH=/srv/birdhouse/node_modules/.bin:$PATH
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:3000/livez').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--max-semi-space-size=16", "server.ts"]
