import createError from '@fastify/error'
import type { FastifyPluginAsyncTypebox, PageRequest } from 'birdhouse'
import { eq, isNull } from 'drizzle-orm'
import { homePage, latestPage, tagPage, welcomePage } from '../pages/lists.ts'
import { personMeta, personPage } from '../pages/person.ts'
import { threadMeta, threadPage, threadTitle } from '../pages/thread.ts'
import { pathOf } from '../pages/tweet.ts'
import { CursorQuery, LIMIT, PersonParams, TagParams, TweetParams } from '../schemas.ts'
import { viewOf } from '../view.ts'
import { formOf } from './compose.ts'

/** Tweets above the shown one. */
const ANCESTORS = 40

const NoSuchTweet = createError('TWEET_NOT_FOUND', 'This tweet does not exist or was deleted.', 404)
const SignInFirst = createError('SIGN_IN_FIRST', 'Sign in first.', 401)

/** Pages for everyone, with forms for people who are signed in. */
export const reading: FastifyPluginAsyncTypebox = async (app) => {
  const { send } = app.web
  const { site } = app.config
  const isPrivate = app.config.web.WEB_TIMELINE === 'private'
  const { tweets } = app.tables
  const hashtags = app.optional('hashtags')
  const schema = { hide: true }

  const latest = (request: Partial<PageRequest>, viewerId?: number) =>
    app.tweets.page('web', isNull(tweets.retweetOfId), { ...request, limit: LIMIT }, viewerId)

  app.get('/', { schema: { ...schema, querystring: CursorQuery } }, async ({ query }, reply) => {
    const view = viewOf(app, reply)
    const meta = {
      description: site.description,
      'og:title': site.name,
      'og:description': site.description,
    }
    if (!view) {
      const page = isPrivate ? undefined : await latest(query)
      return send(reply, { title: site.name, meta, main: welcomePage(site, page) })
    }
    const page = await app.timeline.page(view.viewerId, { ...query, limit: LIMIT })
    const isEmpty = page.items.length === 0 && !query.cursor
    const others = isEmpty ? await latest({}, view.viewerId) : undefined
    const main = homePage(query.cursor ? '' : formOf(app, reply), page, others, view)
    return send(reply, { title: 'Home', main })
  })

  app.get(
    '/latest',
    { schema: { ...schema, querystring: CursorQuery } },
    async ({ query, viewerId }, reply) => {
      if (isPrivate && viewerId === undefined) throw new SignInFirst()
      const main = latestPage(await latest(query, viewerId), viewOf(app, reply))
      return send(reply, { title: 'Latest tweets', main })
    },
  )

  app.get(
    '/@:handle',
    { schema: { ...schema, params: PersonParams, querystring: CursorQuery } },
    async ({ params, query, viewerId }, reply) => {
      const user = await app.users.getByHandle(params.handle, viewerId)
      const ofUser = eq(tweets.authorId, user.id)
      const list = `web-by:${user.id}`
      const page = await app.tweets.page(list, ofUser, { ...query, limit: LIMIT }, viewerId)
      return send(reply, {
        title: user.name,
        path: `/@${user.handle}`,
        meta: personMeta(user),
        main: personPage(user, page, viewOf(app, reply)),
      })
    },
  )

  app.get(
    '/@:handle/:id',
    { schema: { ...schema, params: TweetParams, querystring: CursorQuery } },
    async ({ params, query, viewerId }, reply) => {
      const { tweet: found, ancestors } = await app.tweets.thread(
        params.id,
        { ancestors: ANCESTORS },
        viewerId,
      )
      const original = found.retweetOf ?? found
      if (original.deleted || !original.author) throw new NoSuchTweet()
      if (found.retweetOf || original.author.handle !== params.handle)
        return reply.redirect(pathOf(original))
      const list = `web-replies:${found.id}`
      const ofTweet = eq(tweets.replyToId, found.id)
      const request = { ...query, limit: LIMIT }
      const replies = await app.tweets.page(list, ofTweet, request, viewerId)
      const thread = { ancestors, tweet: found, replies }
      const { id: authorId } = original.author
      const isOthers = viewerId !== undefined && viewerId !== authorId
      const author = isOthers ? await app.users.get(authorId, viewerId) : undefined
      return send(reply, {
        title: threadTitle(found),
        path: pathOf(found),
        meta: threadMeta(found),
        main: threadPage(
          thread,
          formOf(app, reply, { replyTo: found }),
          viewOf(app, reply),
          author,
        ),
      })
    },
  )

  if (hashtags)
    app.get(
      '/tags/:tag',
      { schema: { ...schema, params: TagParams, querystring: CursorQuery } },
      async ({ params, query, viewerId }, reply) => {
        const tag = params.tag.normalize('NFC').replace(/^#/, '')
        const page = await hashtags.page(tag, { ...query, limit: LIMIT }, viewerId)
        return send(reply, { title: `#${tag}`, main: tagPage(tag, page, viewOf(app, reply)) })
      },
    )
}
