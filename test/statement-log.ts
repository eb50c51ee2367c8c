import net from 'node:net'

/** Milliseconds by which answers are held back, so that statements sent side by side overlap. */
const DELAY = 20
const COM_QUERY = 3
const COM_STMT_PREPARE = 22
const COM_STMT_EXECUTE = 23

/** The commands in a chunk from a client; a command is the first packet of a sequence. */
function* commandsIn(chunk: Buffer) {
  for (let start = 0; start + 5 <= chunk.length; ) {
    const length = chunk.readUIntLE(start, 3)
    if (chunk[start + 3] === 0) yield chunk.subarray(start + 4, start + 4 + length)
    start += 4 + length
  }
}

/** A relay in front of a database that logs the statements, and how many round trips they take. */
export async function startStatementLog(target: number, ignored: RegExp) {
  let statements: string[] = []
  let roundTrips = 0
  let unanswered = 0
  const server = net.createServer((client) => {
    const upstream = net.connect(target, '127.0.0.1')
    const prepared = new Map<number, string>()
    let preparing: string | undefined
    let isWaiting = false
    client.on('data', (chunk) => {
      for (const command of commandsIn(chunk as Buffer)) {
        const text = command.subarray(1).toString()
        if (command[0] === COM_STMT_PREPARE) preparing = text
        if (command[0] === COM_QUERY || command[0] === COM_STMT_PREPARE) note(text)
        if (command[0] === COM_STMT_EXECUTE && !isWaiting)
          note(prepared.get(command.readUInt32LE(1)) ?? '')
      }
      upstream.write(chunk)
    })
    upstream.on('data', (chunk) => {
      // The answer to a PREPARE begins with the id of the statement.
      if (preparing !== undefined) prepared.set((chunk as Buffer).readUInt32LE(5), preparing)
      // It is executed next, so both count as one statement.
      const answered = isWaiting && preparing === undefined
      preparing = undefined
      if (answered) isWaiting = false
      setTimeout(() => {
        if (answered) unanswered--
        client.write(chunk)
      }, DELAY)
    })
    upstream.on('close', () => client.destroy())
    client.on('close', () => upstream.destroy())
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy())

    function note(statement: string) {
      if (ignored.test(statement)) return
      statements.push(statement)
      if (unanswered === 0) roundTrips++
      unanswered++
      isWaiting = true
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  return {
    port: (server.address() as net.AddressInfo).port,
    /** Runs `work` and returns its statements. A round trip ends when nothing is unanswered. */
    async during(work: () => Promise<unknown>) {
      statements = []
      roundTrips = 0
      await work()
      return { statements, roundTrips }
    },
    stop: () => server.close(),
  }
}
