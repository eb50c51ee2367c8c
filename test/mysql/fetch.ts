import '../../local/node-version.ts'
import { findMysqld } from './packages.ts'

// Makes sure that there is a MySQL to test on; says why and exits with 1 when none can be fetched.

try {
  findMysqld(console.log)
} catch (error) {
  const { message, cause } = error as Error
  console.error(cause instanceof Error ? `${message} (${cause.message})` : message)
  process.exitCode = 1
}
