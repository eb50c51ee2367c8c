import createError from '@fastify/error'
import type { FastifyPluginAsyncTypebox, FastifyReply } from 'birdhouse'
import { eq, isNull } from 'drizzle-orm'
import { layout, type Page } from './pages/layout.ts'
import { errorPage, homePage, tagPage } from './pages/lists.ts'
import { personMeta, personPage } from './pages/person.ts'
import { threadMeta, threadPage, threadTitle } from './pages/thread.ts'
import { pathOf } from './pages/tweet.ts'
import { CursorQuery, PersonParams, TagParams, TweetParams } from './schemas.ts'
import { signUp } from './sign-up.ts'
import { icon, style } from './style.ts'

export const kernel = '^0.3.0'
export const prefixOverride = ''

const LIMIT = 20
/** Tweets above the shown one. */
const ANCESTORS = 40
const DAY = 24 * 3600

const NoSuchTweet = createError('TWEET_NOT_FOUND', 'This tweet does not exist or was deleted.', 404)

const web: FastifyPluginAsyncTypebox = async (app) => {
  const { site, publicUrl } = app.config
  const isPrivate = app.config.web.WEB_TIMELINE === 'private'
  const { tweets } = app.tables
  const hashtags = app.optional('hashtags')
  const hidden = { hide: true }
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    `img-src 'self' ${new URL(app.s3.url('web')).origin}`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

  function send(reply: FastifyReply, page: Page) {
    const { protocol, host } = reply.request
    const body = layout(site, page, publicUrl ?? `${protocol}://${host}`)
    return reply
      .header('content-security-policy', policy)
      .type('text/html; charset=utf-8')
      .send(body)
  }

  app.setErrorHandler((error: Error, request, reply) => {
    const { status, detail } = app.errors.report(error as never, request, reply)
    const title = status === 404 ? 'Not found' : 'That did not work'
    return send(reply.code(status), { title, main: errorPage(title, detail ?? '') })
  })

  await app.register(signUp(send))

  app.get('/', { schema: { ...hidden, querystring: CursorQuery } }, async ({ query }, reply) => {
    const page = isPrivate
      ? undefined
      : await app.tweets.page('web', isNull(tweets.retweetOfId), { ...query, limit: LIMIT })
    const meta = {
      description: site.description,
      'og:title': site.name,
      'og:description': site.description,
    }
    return send(reply, { title: site.name, meta, main: homePage(site, page) })
  })

  app.get(
    '/@:handle',
    { schema: { ...hidden, params: PersonParams, querystring: CursorQuery } },
    async ({ params, query }, reply) => {
      const user = await app.users.getByHandle(params.handle)
      const page = await app.tweets.page(`web-by:${user.id}`, eq(tweets.authorId, user.id), {
        ...query,
        limit: LIMIT,
      })
      return send(reply, {
        title: user.name,
        path: `/@${user.handle}`,
        meta: personMeta(user),
        main: personPage(user, page),
      })
    },
  )

  app.get(
    '/@:handle/:id',
    { schema: { ...hidden, params: TweetParams, querystring: CursorQuery } },
    async ({ params, query }, reply) => {
      const { tweet: found, ancestors } = await app.tweets.thread(params.id, {
        ancestors: ANCESTORS,
      })
      const original = found.retweetOf ?? found
      if (original.deleted || !original.author) throw new NoSuchTweet()
      if (found.retweetOf || original.author.handle !== params.handle)
        return reply.redirect(pathOf(original))
      const list = `web-replies:${found.id}`
      const where = eq(tweets.replyToId, found.id)
      const replies = await app.tweets.page(list, where, { ...query, limit: LIMIT })
      const thread = { ancestors, tweet: found, replies }
      return send(reply, {
        title: threadTitle(found),
        path: pathOf(found),
        meta: threadMeta(found),
        main: threadPage(thread),
      })
    },
  )

  if (hashtags)
    app.get(
      '/tags/:tag',
      { schema: { ...hidden, params: TagParams, querystring: CursorQuery } },
      async ({ params, query }, reply) => {
        const tag = params.tag.normalize('NFC').replace(/^#/, '')
        const page = await hashtags.page(tag, { ...query, limit: LIMIT })
        return send(reply, { title: `#${tag}`, main: tagPage(tag, page) })
      },
    )

  app.get('/web/style.css', { config: { limit: false }, schema: hidden }, async (_request, reply) =>
    reply
      .header('cache-control', `public, max-age=${365 * DAY}, immutable`)
      .type('text/css; charset=utf-8')
      .send(style),
  )

  app.get('/web/icon.svg', { config: { limit: false }, schema: hidden }, async (_request, reply) =>
    reply.header('cache-control', `public, max-age=${DAY}`).type('image/svg+xml').send(icon),
  )
}

export default web
