import { once } from 'node:events'
import { connect } from 'node:net'

const HEAD_END = '\r\n\r\n'

/**
 * A keep-alive connection that sends complete requests as text. Load generators from npm use more CPU
 * than the measured server on two cores, or measure in whole milliseconds. `from` is an address of the loopback
 * network, 127.0.0.0/8.
 */
export async function connectTo(port: number, from = '127.0.0.1') {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true })
  await once(socket, 'connect')
  let done: ((body: string) => void) | undefined
  let fail: ((error: Error) => void) | undefined
  let head = ''
  let chunks: Buffer[] = []
  let missing = 0
  let keep = false

  socket.on('data', (data: Buffer) => {
    if (head === '') {
      const end = data.indexOf(HEAD_END)
      if (end < 0) return fail?.(new Error('The head of an answer came in pieces.'))
      head = data.toString('latin1', 0, end)
      missing = lengthIn(head)
      data = data.subarray(end + HEAD_END.length)
    }
    missing -= data.length
    if (keep || !isFine(head)) chunks.push(data)
    if (missing > 0) return
    const [text, fine] = [Buffer.concat(chunks).toString(), isFine(head)]
    const first = head.slice(0, head.indexOf('\r'))
    head = ''
    chunks = []
    if (fine) done?.(text)
    else fail?.(new Error(`${first} ${text}`))
  })
  socket.on('error', (error) => fail?.(error))
  socket.on('close', () => fail?.(new Error('The server has closed a connection.')))

  return {
    /** Sends a request; returns the body of the answer if bodies are requested. */
    send(request: string, keepBody = false) {
      keep = keepBody
      return new Promise<string>((resolve, reject) => {
        done = resolve
        fail = reject
        socket.write(request)
      })
    },
    /** Sends a request; returns the status of the answer, whatever it is. */
    statusOf(request: string) {
      return this.send(request).then(
        () => '2xx',
        (error: Error) => {
          const [, status] = /^HTTP\/1\.1 (\d+)/.exec(error.message) ?? []
          if (status === undefined) throw error
          return status
        },
      )
    },
    close() {
      fail = undefined
      socket.destroy()
    },
  }
}

const isFine = (head: string) => head.startsWith('HTTP/1.1 2')

function lengthIn(head: string) {
  const [, length] = /\r\ncontent-length: (\d+)/i.exec(head) ?? []
  if (length === undefined && !head.startsWith('HTTP/1.1 204')) {
    throw new Error(`An answer without a length: ${head}`)
  }
  return Number(length ?? 0)
}
