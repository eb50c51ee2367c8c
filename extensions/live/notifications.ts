import type { FastifyInstance } from 'birdhouse'

type Notifications = { get: (id: number, userId: number) => Promise<object | null | undefined> }

declare module 'fastify' {
  interface EventPayloads {
    'notification.created': { notificationId: number; userId: number }
  }
}

/** Undefined if the notification is gone or the extension is not installed. */
export async function readNotification(app: FastifyInstance, id: number, userId: number) {
  try {
    return (await app.optional<Notifications>('notifications')?.get(id, userId)) ?? undefined
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

const isNotFound = (error: unknown) => (error as { statusCode?: number }).statusCode === 404
