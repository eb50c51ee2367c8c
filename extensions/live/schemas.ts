import type { TSchema } from 'typebox'

/** Markdown, for the documentation of the route. */
export const DESCRIPTION = `
Server-Sent Events: new tweets, replies and retweets of your home timeline, deletions of these, and
events of your own, such as notifications. Send the access token in the header \`Authorization\`. The browser's own
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

type Schema = TSchema & { $ref?: string; properties?: object }
type Described = ReadonlyMap<string, { description: string; schema: Schema }>

/** Markdown: the events of all extensions. The documentation has the schemas in `x-events`. */
export const describeEvents = (kinds: Described) =>
  `
Each event has an \`id\`, its number, and JSON as \`data\`, whose schemas are in \`x-events\`:

| event | data | |
|---|---|---|
| \`hello\` | \`{}\` | you have caught up; the following events are live |
${[...kinds].map(([name, kind]) => `| \`${name}\` | \`${nameOf(kind.schema)}\` | ${kind.description} |`).join('\n')}
| \`reset\` | \`{}\` | you may have missed events; reload the lists that you show |

An \`id\` without an event is a heartbeat.
`.trim()

/** The name of a resource, or the names of properties: `Tweet`, `{ id }`. */
const nameOf = ({ $ref, properties = {} }: Schema) =>
  $ref?.replace('#', '') ?? `{ ${Object.keys(properties).join(', ')} }`

export const schemasOf = (kinds: Described) =>
  Object.fromEntries([...kinds].map(([name, { schema }]) => [name, schema]))
