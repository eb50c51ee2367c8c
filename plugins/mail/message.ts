/** Plain text; `to` is an address that the schema `Email` has accepted. */
export type Message = { to: string; subject: string; text: string }
export type Deliver = (
  message: Message & { from: string; headers: Record<string, string> },
) => Promise<void>
