import type { FastifyInstance } from 'birdhouse'

/** What of the extension `notifications` is used here; without it there is nothing to tell. */
type Notifications = { get: (id: number, userId: number) => Promise<object | null | undefined> }

declare module 'fastify' {
  interface EventPayloads {
    'notification.created': { notificationId: number; userId: number }
  }
}

/** As its user sees it, or undefined when there is nothing to see any more. */
export async function readNotification(app: FastifyInstance, id: number, userId: number) {
  if (!app.hasDecorator('notifications')) return undefined
  // Its types are there only when it is.
  const { notifications } = app as unknown as { notifications: Notifications }
  try {
    return (await notifications.get(id, userId)) ?? undefined
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

const isNotFound = (error: unknown) => (error as { statusCode?: number }).statusCode === 404
