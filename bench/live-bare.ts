import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { usage } from './live-usage.ts'

// A server of node:http alone that writes the same bytes to as many streams.

type Command = { usage?: boolean; streams: number; few: number; frame: string }

const streams = new Set<ServerResponse>()
let frame = ''
let few = 0

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    response.write('retry: 1000\n\nevent: hello\nid: 1\ndata: {}\n\n')
    streams.add(response)
    response.on('close', () => streams.delete(response))
    return
  }
  let body = ''
  request.on('data', (data) => {
    body += data
  })
  request.on('end', () => {
    const { text } = JSON.parse(body)
    const bytes = Buffer.from(frame.replace(/"text":"[^"]*"/, `"text":"${text}"`))
    const all = text.startsWith('few') ? [...streams].slice(0, few) : streams
    for (const stream of all) stream.write(bytes)
    response.writeHead(201).end()
  })
})

process.on('message', (command: Command) => {
  if (command.usage) return process.send?.(usage())
  frame = command.frame
  few = command.few
  server.listen(0, '0.0.0.0', () => {
    const { port } = server.address() as AddressInfo
    const tokens = Array.from({ length: command.streams }, () => 'x'.repeat(250))
    process.send?.({ port, tokens, authors: { everyone: 'x', few: 'x' } })
  })
})
process.on('disconnect', () => process.exit())
