// A client as another team would write it: every type comes from the API's own document.
import createClient from 'openapi-fetch'
import type { paths } from './api.d.ts'

const client = createClient<paths>({ baseUrl: process.argv[2] ?? '' })

async function signUp(name: string) {
  const body = { name, email: `${name}@example.com`, password: 'correct horse' }
  const { data, error } = await client.POST('/v1/auth/sign-up', { body })
  if (!data) throw new Error(error.detail)
  if (!('user' in data)) throw new Error('The account must be approved first.')
  return { id: data.user.id, headers: { Authorization: `Bearer ${data.accessToken}` } }
}

const ann = await signUp('ann')
const ben = await signUp('ben')

const tweet = await client.POST('/v1/tweets', { headers: ben.headers, body: { text: 'hello' } })
if (!tweet.data) throw new Error(tweet.error.code)
const path = { id: tweet.data.id }

await client.PUT('/v1/tweets/{id}/like', { headers: ann.headers, params: { path } })
await client.PUT('/v1/users/{id}/follow', {
  headers: ann.headers,
  params: { path: { id: ben.id } },
})

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg==',
  'base64',
)
const avatar = await client.PUT('/v1/users/me/avatar', {
  headers: ben.headers,
  body: { file: new Blob([png]) },
  bodySerializer: ({ file }) => {
    const form = new FormData()
    if (file instanceof Blob) form.append('file', file)
    return form
  },
})
if (!avatar.data) throw new Error(avatar.error.detail)

// Parameters with a default may be left out: `limit` of lists, `size` of pictures.
const everyone = await client.GET('/v1/tweets')
const fans = await client.GET('/v1/tweets/{id}/likes', { params: { path } })
const picture = await client.GET('/v1/users/{id}/avatar', {
  params: { path: { id: ben.id } },
  redirect: 'manual',
})
const found = [everyone.data?.items.length, fans.data?.items.length, picture.response.status]

const timeline = await client.GET('/v1/timeline', {
  headers: ann.headers,
  params: { query: { limit: 10 } },
})
for (const item of timeline.data?.items ?? []) {
  const small: string | undefined = item.author?.avatar?.small
  const liked: boolean | undefined = item.liked
  console.log(
    JSON.stringify({
      text: item.text,
      likes: item.likeCount,
      liked,
      small: small !== undefined,
      found,
    }),
  )
}
