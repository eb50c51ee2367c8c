import createError from '@fastify/error'
import type { FastifyPluginAsyncTypebox } from 'birdhouse'
import { problems } from 'birdhouse/schemas'
import { Type } from 'typebox'

/** RFC 8615 has these paths at the root. */
export const prefixOverride = ''

/** Days until the text expires; RFC 9116, section 2.5.5, recommends less than a year. */
const LIFE = 180
const DAY = 24 * 3600 * 1000

const ContactNotSet = createError(
  'SECURITY_CONTACT_NOT_SET',
  'This service names no contact for reports of vulnerabilities.',
  404,
)

const wellKnown: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/.well-known/security.txt',
    {
      schema: {
        tags: ['operations'],
        operationId: 'getSecurityTxt',
        summary: 'Get the contact for reports of vulnerabilities',
        description: 'RFC 9116.',
        security: [],
        response: {
          200: {
            description: 'The contact.',
            content: { 'text/plain': { schema: Type.String() } },
          },
          ...problems(404),
        },
      },
    },
    async (_request, reply) => {
      const { SECURITY_CONTACT } = app.config['well-known']
      if (!SECURITY_CONTACT) throw new ContactNotSet()
      return reply.type('text/plain; charset=utf-8').send(securityTxt(SECURITY_CONTACT))
    },
  )
}

/** `Expires` changes once a day, so that the text of a day is the same. */
function securityTxt(contacts: string) {
  const today = Math.floor(Date.now() / DAY) * DAY
  const expires = new Date(today + LIFE * DAY).toISOString()
  const lines = contacts.split(',').map((contact) => `Contact: ${contact.trim()}`)
  return `${[...lines, `Expires: ${expires}`, 'Preferred-Languages: en'].join('\n')}\n`
}

export default wellKnown
