/** Markdown, for the documentation of the route. */
export const DESCRIPTION = `
Server-Sent Events: new tweets, replies and retweets of your home timeline, what was deleted of it,
and your notifications. The token goes into the header, which the browser's own \`EventSource\`
cannot send, so use one that is made of \`fetch\`, such as that of the npm package \`eventsource\`:

\`\`\`js
import { EventSource } from 'eventsource'

const live = new EventSource('/v1/live', {
  fetch: (url, init) =>
    fetch(url, { ...init, headers: { ...init.headers, authorization: \`Bearer \${accessToken}\` } }),
})
live.addEventListener('tweet', ({ data }) => show(JSON.parse(data)))
\`\`\`

It reconnects by itself with the header \`Last-Event-ID\` and misses nothing. The stream ends when
the access token does (a 401 on reconnecting says: refresh it) and when the session does.

Open the stream first and read \`GET /v1/timeline\` after \`hello\`: then nothing falls in between. The
same tweet may come both ways; its \`id\` tells. Whom you follow, block and mute counts from the next
event on. A client that doesn't read is cut off, and catches up when it reconnects.
`.trim()

export const EVENTS = `
Each event has an \`id\`, its number, and JSON as \`data\`:

| event | data |
|---|---|
| \`hello\` | \`{}\`: you have caught up, and what follows is told as it happens |
| \`tweet\` | a tweet, reply or retweet as in \`GET /v1/tweets/{id}\`, without \`liked\` and what else is yours |
| \`tweet.deleted\` | \`{ "id": 42 }\`: take it out, if you have it |
| \`notification\` | as in the list of your notifications |
| \`reset\` | \`{}\`: you were away too long; reload what you show from the lists |

An \`id\` without an event is a heartbeat.
`.trim()
