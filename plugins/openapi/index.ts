import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'
import packageJson from '../../package.json' with { type: 'json' }
import { completeDocument } from './document.ts'

const DESCRIPTION = `
A mini social network: sign up, tweet, like, follow, read your timeline.

**Try it**: call \`POST /v1/auth/login\`, copy the \`accessToken\` of the answer, press *Authorize*
and paste the token. A token is valid for 15 minutes; \`POST /v1/auth/refresh\` returns a new one.

**Lists** are \`{ items, nextCursor }\`, newest first. Pass \`nextCursor\` as \`?cursor=\` until it is
null; the header \`Link: <...>; rel="next"\` holds the URL of the next page.

**Errors** are RFC 9457 \`application/problem+json\` with a stable \`code\`; a validation error lists
each field in \`errors\`. A 503 has the header \`Retry-After\`.

**Limits** hold per account and per network address, by the class that each operation names in \`x-rate-limit\`.
\`RateLimit-Policy\` shows the limits, \`RateLimit\` what is left of the nearest one; a 429 has the header \`Retry-After\`.

**Ids** are positive integers below 2^53; times are RFC 3339 in UTC with milliseconds.
`

const TAGS = [
  { name: 'auth', description: 'Sign up, log in, sessions' },
  { name: 'users', description: 'Accounts and profiles' },
  { name: 'tweets', description: 'Tweets, replies, retweets, likes' },
  { name: 'graph', description: 'Follow, block, mute' },
  { name: 'timeline', description: 'The home timeline' },
  { name: 'media', description: 'Pictures in tweets and of profiles' },
  { name: 'flat', description: 'The original API, for its existing clients' },
  { name: 'moderation', description: 'Reports, appeals and the acts of moderators' },
  { name: 'operations', description: 'Health' },
]

/** "Try it" must also work over plain HTTP. */
const tighten = (policy: string) =>
  policy
    .replace('upgrade-insecure-requests;', '')
    .replace("base-uri 'self'", "base-uri 'none'")
    .replace("frame-ancestors 'self'", "frame-ancestors 'none'")

/** Must load before the first route, because a hook collects the routes. */
export default fp(
  async (app) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'Birdhouse',
          version: packageJson.version,
          description: DESCRIPTION.trim(),
          license: { name: 'MIT', identifier: 'MIT' },
        },
        servers: [{ url: '/', description: 'This server' }],
        tags: TAGS,
        components: {
          securitySchemes: {
            bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
            flatToken: {
              type: 'apiKey',
              in: 'header',
              name: 'Authorization',
              description: 'The token as it is, without the word Bearer.',
            },
          },
        },
      },
      transformObject: completeDocument,
      refResolver: {
        buildLocalReference: (json, _baseUri, _fragment, i) => String(json.$id ?? `def-${i}`),
      },
    })
    await app.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: true,
      transformStaticCSP: tighten,
      uiConfig: {
        // A token in the browser's storage outlives the tab.
        persistAuthorization: false,
        displayRequestDuration: true,
        docExpansion: 'list',
        deepLinking: true,
      },
      theme: { title: 'Birdhouse API' },
    })
    const hidden = { schema: { hide: true } }
    app.get('/openapi.json', hidden, async () => app.swagger())
  },
  { name: 'openapi', dependencies: ['security', 'schemas'] },
)
