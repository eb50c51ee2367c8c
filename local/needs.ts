/** Registers what stops a store, as soon as the store's process exists. */
export type OnStop = (stop: () => Promise<unknown>) => void
/** The parts that the settings leave to be embedded. */
export type Needs = { database: boolean; s3: boolean; secret: boolean; factorKey: boolean }
