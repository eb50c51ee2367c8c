import { writeFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import sharp from 'sharp'
import { toCovers } from './covers.ts'
import { toVariants } from './variants.ts'
import type { Answer, Failure, Order } from './workers.ts'

// The process that workers.ts starts: makes what it is asked for, one image at a time.

// Requests are answered first, by the service and by what else lives on the machine.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
// When memory runs out the kernel is to end this process, and not the service or its database.
if (process.platform === 'linux') writeFileSync('/proc/self/oom_score_adj', '1000')
// No file comes twice; threads would compete with the other worker.
sharp.cache(false)
sharp.concurrency(1)
// libvips would read SVG, TIFF, PDF and more, and every decoder is a way in.
sharp.block({ operation: ['VipsForeignLoad'] })
const FORMATS = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Heif']
sharp.unblock({ operation: FORMATS.map((format) => `VipsForeignLoad${format}`) })

const make = (order: Order) =>
  order.make === 'variants'
    ? toVariants(order.file, order.limits)
    : toCovers(order.file, order.boxes)

const toFailure = ({ message, code, statusCode, cause }: Failure & Error): Failure => ({
  message,
  ...(code !== undefined && { code }),
  ...(statusCode !== undefined && { statusCode }),
  ...(cause !== undefined && { cause: String(cause) }),
})

process.on('message', async (order: Order) => {
  // V8 sees little of a picture's memory, and would keep that of several for later.
  globalThis.gc?.()
  const answer: Answer = await make(order).then(
    (made) => ({ made }),
    (error) => ({ failure: toFailure(error) }),
  )
  process.send?.(answer)
})
// A Ctrl-C or PM2 signals the whole group; the service then finishes its requests and disconnects.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})
process.on('disconnect', () => process.exit())
