import type { FastifyInstance } from 'birdhouse'

type Notifications = { get: (id: number, userId: number) => Promise<object | null | undefined> }

declare module 'fastify' {
  interface EventPayloads {
    'notification.created': { notificationId: number; userId: number }
  }
}

/** As its user sees it; nothing when it has gone, or the extension `notifications` is not there. */
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
