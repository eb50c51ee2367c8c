import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

// Thousands of open streams in one process, on bare sockets.

type Command = {
  open?: string[]
  port: number
  lastId?: number
  missed?: number
  close?: boolean
  expect?: string
  arrived?: number
  delays?: boolean
  sample?: boolean
}

/** Addresses of the loopback network; one address has too few ports. */
const ADDRESSES = 4
/** Streams opened at once; fewer than the listener's backlog, beyond which connections hang. */
const BURST = 400
/** Milliseconds until a rejected stream tries again, and until the others are given up. */
const AGAIN = 200
const LIMIT = 20_000

const sockets = new Set<Socket>()
let connected = 0
let greeted = 0
let told = 0
let lastId = 0
let sample = ''
let mark = ''
let expectedSince = 0n
let delays: number[] = []

function openOne(token: string, n: number, command: Command) {
  const { port, lastId } = command
  const localAddress = `127.0.0.${2 + (n % ADDRESSES)}`
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  const last = lastId === undefined ? '' : `Last-Event-ID: ${lastId}\r\n`
  socket.write(
    `GET /v1/live HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${token}\r\n${last}\r\n`,
  )
  let before = ''
  socket.once('data', () => connected++)
  socket.on('data', (data) => {
    before = take(before, data.toString())
  })
  socket.on('error', (error) => console.log(`a client reconnects: ${error.message}`))
  socket.on('close', () => {
    if (sockets.delete(socket)) setTimeout(openOne, AGAIN, token, n, command)
  })
  sockets.add(socket)
}

/** Reads the complete events and returns the rest. */
function take(before: string, data: string) {
  const end = data.lastIndexOf('\n\n')
  if (end < 0) return before + data
  const text = before + data.slice(0, end + 2)
  if (mark && text.includes(mark)) {
    delays.push(Number(process.hrtime.bigint() - expectedSince) / 1e6)
    sample ||= text.slice(text.indexOf('id: '))
  }
  greeted += text.split('event: hello\n').length - 1
  told += text.split('event: tweet\n').length - 1
  for (const [, id] of text.matchAll(/^id: (\d+)$/gm)) lastId = Math.max(lastId, Number(id))
  return data.slice(end + 2)
}

async function openAll(tokens: string[], command: Command) {
  const start = performance.now()
  connected = greeted = told = 0
  for (const [n, token] of tokens.entries()) {
    while (n - connected >= BURST) await sleep(1)
    openOne(token, n, command)
  }
  while (greeted < tokens.length || told < tokens.length * (command.missed ?? 0)) await sleep(5)
  return { seconds: (performance.now() - start) / 1000 }
}

async function closeAll() {
  const all = [...sockets]
  sockets.clear()
  for (const socket of all) socket.destroy()
  await sleep(1_000)
  return { lastId }
}

function summary() {
  const sorted = delays.toSorted((a, b) => a - b)
  const at = (part: number) => sorted[Math.floor(sorted.length * part)] ?? 0
  delays = []
  mark = ''
  return { count: sorted.length, p50: at(0.5), p99: at(0.99) }
}

/** Resolves when this many streams have got the expected event. */
async function arrived(count: number) {
  const limit = performance.now() + LIMIT
  while (delays.length < count && performance.now() < limit) await sleep(5)
  return {}
}

function expect(text: string) {
  mark = text
  expectedSince = process.hrtime.bigint()
  return {}
}

process.on('message', async (command: Command) => {
  if (command.open) process.send?.(await openAll(command.open, command))
  else if (command.close) process.send?.(await closeAll())
  else if (command.expect) process.send?.(expect(command.expect))
  else if (command.arrived) process.send?.(await arrived(command.arrived))
  else if (command.sample) process.send?.({ sample })
  else process.send?.(summary())
})
process.on('disconnect', () => process.exit())
