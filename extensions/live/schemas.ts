/** Markdown, for the documentation of the route. */
export const DESCRIPTION = `
Server-Sent Events: new tweets, replies and retweets of your home timeline, deletions of these, and
your notifications. Send the access token in the header \`Authorization\`. The browser's own
\`EventSource\` cannot send the header, so use the npm package \`eventsource\` with \`fetch\`:

\`\`\`js
import { EventSource } from 'eventsource'

const live = new EventSource('/v1/live', {
  fetch: (url, init) =>
    fetch(url, { ...init, headers: { ...init.headers, authorization: \`Bearer \${accessToken}\` } }),
})
live.addEventListener('tweet', ({ data }) => show(JSON.parse(data)))
\`\`\`

The client reconnects by itself with the header \`Last-Event-ID\` and misses nothing. The stream ends
when the access token expires or the session ends. If reconnecting answers 401, refresh the token.

Open the stream first and read \`GET /v1/timeline\` after \`hello\`, so that you miss nothing in between.
The same tweet may arrive both ways; compare its \`id\`. Changed follows, blocks and mutes apply from
the next event on. A client that does not read is cut off, and catches up when it reconnects.
`.trim()

export const EVENTS = `
Each event has an \`id\`, its number, and JSON as \`data\`:

| event | data |
|---|---|
| \`hello\` | \`{}\`: you have caught up; the following events are live |
| \`tweet\` | a tweet, reply or retweet as in \`GET /v1/tweets/{id}\`, without fields that depend on the viewer, such as \`liked\` |
| \`tweet.deleted\` | \`{ "id": 42 }\`: remove the tweet if you show it |
| \`notification\` | a notification as in the list of your notifications |
| \`reset\` | \`{}\`: you were away too long; reload the lists that you show |

An \`id\` without an event is a heartbeat.
`.trim()
