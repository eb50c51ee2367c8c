export * from './changes.ts'
export * from './idempotency-keys.ts'
export * from './jobs.ts'
