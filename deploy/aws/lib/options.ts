import type { App } from 'aws-cdk-lib'

export type Options = {
  region: string
  /** The certificate of `domain` in AWS Certificate Manager, in the region of the stack. */
  certificateArn: string
  /** The name of the artefact that every machine runs, see package.sh. */
  release: string
  /** Gets the alarms. */
  alarmEmail: string
  /** Machines at least; 0 until the artefact and the database's user are there. */
  machines: number
  instanceType: string
  databaseType: string
  /** Adds a Redis in which all processes count their limits together. */
  redis: boolean
}

const DEFAULTS = {
  machines: '2',
  instanceType: 'c7i.large',
  databaseType: 'm7g.large',
  redis: 'true',
}

/** Reads `cdk deploy --context name=value`. @throws Error that names what is missing */
export function readOptions(app: App): Options {
  const read = (name: keyof Options) =>
    (app.node.tryGetContext(name) ?? (DEFAULTS as Record<string, string>)[name]) as
      | string
      | undefined
  const needed = (['region', 'certificateArn', 'release', 'alarmEmail'] as const).filter(
    (name) => !read(name),
  )
  if (needed.length > 0)
    throw new Error(`Give ${needed.map((name) => `--context ${name}=...`).join(', ')}.`)
  return {
    region: read('region') ?? '',
    certificateArn: read('certificateArn') ?? '',
    release: read('release') ?? '',
    alarmEmail: read('alarmEmail') ?? '',
    machines: Number(read('machines')),
    instanceType: read('instanceType') ?? '',
    databaseType: read('databaseType') ?? '',
    redis: read('redis') === 'true',
  }
}
