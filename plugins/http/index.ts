import createError from '@fastify/error'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { addBodyRules } from './bodies.ts'
import { trackResponses } from './client-error.ts'
import { answerMissingRoutes } from './methods.ts'
import { InvalidUrl, isRewritten } from './urls.ts'
import { decodeUtf8 } from './utf8.ts'

declare module 'fastify' {
  interface FastifyInstance {
    decodeUtf8: typeof decodeUtf8
  }
}

const HostMissing = createError('HOST_MISSING', 'Send the header Host.', 400)

/** RFC 9112, section 3.2. Checked here because Node.js answers with an empty 400. */
const lacksHost = ({ raw, headers }: FastifyRequest) =>
  headers.host === undefined && raw.httpVersion === '1.1'

export default fp(
  async (app) => {
    // Runs after the hooks that add the headers of every answer.
    app.addHook('onRequest', (request, _reply, done) => {
      if (isRewritten(request)) done(new InvalidUrl())
      else if (lacksHost(request)) done(new HostMissing())
      else done()
    })
    app.decorate('decodeUtf8', decodeUtf8)
    addBodyRules(app)
    answerMissingRoutes(app)
    // RFC 9110, section 10.1.1, lets a server ignore an unknown expectation.
    app.server.on('checkExpectation', (request, response) =>
      app.server.emit('request', request, response),
    )
    trackResponses(app.server)
  },
  { name: 'http', dependencies: ['errors', 'security', 'route-table'] },
)
