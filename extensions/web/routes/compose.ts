import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type {
  FastifyInstance,
  FastifyPluginAsyncTypebox,
  FastifyReply,
  FastifyRequest,
  Upload,
} from 'birdhouse'
import { ownPath } from '../own-path.ts'
import { composeForm, type Draft } from '../pages/compose.ts'
import { pathOf } from '../pages/tweet.ts'
import { inWords } from '../problems.ts'
import { newSecret } from '../sessions.ts'
import { viewOf } from '../view.ts'

const FIELDS = ['token', 'text', 'alt', 'reply_to', 'media', 'return_to', 'more', 'once']
const ONCE = /^[\w-]{43}$/
const MOST_PICTURES = 4
type Fields = Upload['fields']

/** The form of a new tweet, for a person who is signed in. */
export function formOf(
  app: FastifyInstance,
  reply: FastifyReply,
  draft: Draft = {},
  here?: string,
) {
  const view = viewOf(app, reply)
  const most = { characters: app.tweets.maxLength, pictures: MOST_PICTURES }
  return view
    ? composeForm({ ...view, here: here ?? view.here, once: newSecret() }, draft, most)
    : ''
}

/** Posts a tweet, or stores a picture for it and shows the form again. */
export const compose: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/tweets',
    { config: { idempotent: true }, schema: { hide: true, consumes: ['multipart/form-data'] } },
    async (request, reply) =>
      request.withFile('picture', (upload) => take(request, reply, upload), { fields: FIELDS }),
  )

  async function take(request: FastifyRequest, reply: FastifyReply, upload: Upload) {
    const { fields } = upload
    app.web.forms.assertOwn(request, fields.token)
    const { userId } = request.viewer
    const mediaIds = idsIn(fields.media)
    const picture = await readFile(upload.file)
    nameOnce(request, fields, picture)
    try {
      // A form without a file sends an empty one.
      if (picture.length > 0) mediaIds.push((await app.media.create(userId, upload)).id)
      if (fields.more) return await showAgain(reply, fields, mediaIds)
      const [replyToId] = idsIn(fields.reply_to)
      const { text = '' } = fields
      const draft = { authorId: userId, text, mediaIds, replyToId }
      const prepared = await app.tweets.prepare(draft)
      const { id, path } = await request.runOnce(async (tx) => {
        const tweet = await app.tweets.write(prepared, tx)
        return { id: tweet.id, path: pathOf(tweet) }
      })
      const [list] = ownPath(fields.return_to).split('#')
      return reply.redirect(replyToId ? path : `${list}#t${id}`, 303)
    } catch (error) {
      const problem = app.errors.describe(error, request)
      if (problem.status >= 500) throw error
      app.errors.report(error as never, request, reply.code(problem.status))
      return showAgain(reply, fields, mediaIds, inWords(problem))
    }
  }

  async function showAgain(reply: FastifyReply, fields: Fields, mediaIds: number[], problem = '') {
    const { userId } = reply.request.viewer
    const pictures = await Promise.all(mediaIds.map((id) => app.media.get(id, userId)))
    const [replyToId] = idsIn(fields.reply_to)
    const replyTo = replyToId ? await app.tweets.get(replyToId, userId) : undefined
    const draft = { text: fields.text, replyTo, pictures, problem }
    const main = formOf(app, reply, draft, ownPath(fields.return_to))
    return app.web.send(reply, { title: 'Your tweet', main: `<h1>Your tweet</h1>${main}` })
  }
}

/** A form that is sent twice makes one tweet: its one-time value is the key, and all that it says is the body. */
function nameOnce(
  request: FastifyRequest,
  { token: _, once = '', ...fields }: Fields,
  picture: Buffer,
) {
  request.headers['idempotency-key'] = ONCE.test(once) ? once : undefined
  request.body = { ...fields, picture: createHash('sha256').update(picture).digest('hex') }
}

const idsIn = (text = '') =>
  text
    .split(',')
    .filter((each) => /^[1-9]\d{0,14}$/.test(each))
    .slice(0, MOST_PICTURES)
    .map(Number)
