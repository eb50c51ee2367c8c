import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    tasks: ReturnType<typeof createTasks>
  }
}

export type TaskContext = {
  /** Updates the progress bar; `total` may change during the run. */
  progress: (done: number, total: number) => void
  /** Aborts on Ctrl-C; stop between two steps, so that the next run can continue there. */
  signal: AbortSignal
  /** The argument after the task's name. */
  argument?: string | undefined
}
export type Task = {
  summary: string
  /** Name of the argument in the help, for a task that takes an argument. */
  argument?: string
  /** Returns a sentence that says what the task did. */
  run: (context: TaskContext) => Promise<string>
}

/** The colon keeps tasks apart from Birdhouse's own commands. */
const NAME = /^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*$/

/** Commands for operators, run beside the live service: `npm run birdhouse -- <name>`. */
function createTasks() {
  const tasks = new Map<string, Task>()

  /** @throws Error when the name is not of the form `hashtags:backfill`, or is taken */
  function add(name: string, task: Task) {
    if (!NAME.test(name)) {
      throw new Error(
        `The task name ${name} must be the name of the feature, a colon and a verb, such as hashtags:backfill.`,
      )
    }
    if (tasks.has(name)) throw new Error(`The task name ${name} is taken; choose another.`)
    tasks.set(name, task)
  }

  return { add, get: (name: string) => tasks.get(name), all: () => [...tasks] }
}

export default fp(async (app) => void app.decorate('tasks', createTasks()), { name: 'tasks' })
