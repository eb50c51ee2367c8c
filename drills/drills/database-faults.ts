import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Connection, createConnection } from 'mysql2/promise'
import type { Stops } from '../house.ts'
import type { Fault } from '../measure.ts'

/** The processes of the drill may open 40 connections. */
const MOST_CONNECTIONS = 60
const DISK = '320M'

export const databaseFaults: Fault[] = [
  {
    name: 'connections',
    title: `another client takes all of ${MOST_CONNECTIONS} connections of the database for 15 s`,
    seconds: 15,
    alerts: ['BirdhouseErrors', 'BirdhouseCheckFailing'],
    prepare: () => ({
      options: { serverOptions: [`--max-connections=${MOST_CONNECTIONS}`] },
      async during({ env }, seconds) {
        const taken = await takeAll(env.DATABASE_URL)
        await sleep(seconds * 1000)
        await Promise.all(taken.map((one) => one.end()))
      },
    }),
  },
  {
    name: 'lock',
    title: "a lock on one person's row for 30 s; others write on",
    seconds: 30,
    alerts: ['BirdhouseRequestsStuck'],
    prepare: () => ({
      async during({ env }, seconds) {
        const other = await createConnection(env.DATABASE_URL)
        await other.beginTransaction()
        await other.query('SELECT id FROM users ORDER BY id LIMIT 1 FOR UPDATE')
        await sleep(seconds * 1000)
        await other.rollback()
        await other.end()
      },
    }),
  },
  {
    name: 'table-lock',
    title: 'a lock on the whole table of tweets for 30 s',
    seconds: 30,
    alerts: ['BirdhouseErrors', 'BirdhouseRequestsStuck'],
    prepare: () => ({
      async during({ env }, seconds) {
        const other = await createConnection(env.DATABASE_URL)
        await other.query('LOCK TABLES tweets WRITE')
        await sleep(seconds * 1000)
        await other.end()
      },
    }),
  },
  {
    name: 'disk',
    title: `the disk of the database (${DISK}) full for 15 s`,
    seconds: 15,
    alerts: ['BirdhouseErrors'],
    prepare: (stops) => {
      const databaseFolder = smallDisk(stops)
      return {
        options: { databaseFolder },
        async during(_, seconds) {
          const file = join(databaseFolder, 'filler')
          const until = performance.now() + seconds * 1000
          while (performance.now() < until) {
            fill(databaseFolder, file)
            await sleep(100)
          }
          rmSync(file)
        },
      }
    },
  },
]

/** Opens connections until the server refuses one. */
async function takeAll(url: string) {
  const taken: Connection[] = []
  for (;;) {
    const one = await createConnection(url).catch((error) => {
      if (error.errno !== 1040) throw error
    })
    if (!one) return taken
    taken.push(one)
  }
}

/** A file system in memory of its own; only root may mount one. */
function smallDisk(stops: Stops) {
  const folder = mkdtempSync(join(tmpdir(), 'birdhouse-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', folder])
  stops.add(() => {
    execFileSync('umount', [folder])
    rmSync(folder, { recursive: true })
  })
  return folder
}

/** Takes all that is left, which grows when the database deletes files of its own. */
function fill(folder: string, file: string) {
  const { bavail, bsize } = statfsSync(folder)
  try {
    writeFileSync(file, Buffer.alloc(bavail * bsize), { flag: 'a' })
  } catch (error) {
    // The database was quicker.
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}
