import type { Person } from '../workload.ts'

/** Opens live streams of these people in turn. @throws Error when one is refused */
export async function openStreams(url: string, people: Person[], count: number) {
  const end = new AbortController()
  let open = 0

  async function openOne({ token }: Person) {
    const response = await fetch(`${url}/v1/live`, {
      headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
      signal: end.signal,
    })
    if (!response.ok) throw new Error(`A live stream: ${response.status} ${await response.text()}`)
    open++
    drain(response)
      .catch(() => {})
      .finally(() => open--)
  }

  async function drain({ body }: Response) {
    // Ends with an error when the stream breaks.
    for await (const _ of body ?? []);
  }

  for (let n = 0; n < count; n++) await openOne(people[n % people.length] as Person)
  return { open: () => open, close: () => end.abort() }
}
