import { writeFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import sharp from 'sharp'
import { toCovers } from './covers.ts'
import { toVariants } from './variants.ts'
import type { Answer, Failure, Order } from './workers.ts'

// Requests to the service have priority on the CPU.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
// When memory runs out, Linux should kill this process and not the service or its database.
if (process.platform === 'linux') writeFileSync('/proc/self/oom_score_adj', '1000')
// No file is decoded twice; threads would compete with the other worker.
sharp.cache(false)
sharp.concurrency(1)
// libvips also reads SVG, TIFF, PDF and more, and every decoder can be attacked.
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
  // V8 does not see most of a picture's memory, and would free it late.
  globalThis.gc?.()
  const answer: Answer = await make(order).then(
    (made) => ({ made }),
    (error) => ({ failure: toFailure(error) }),
  )
  process.send?.(answer)
})
// Ctrl-C and PM2 signal all processes; the service finishes its requests, then disconnects.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})
process.on('disconnect', () => process.exit())
