import type { FastifyInstance } from 'fastify'
import type { Progress } from '../migrate.ts'
export async function loadDemoData(_app: FastifyInstance, _progress: Progress) {
  return { email: 'demo@example.com', password: 'birdhouse' }
}
