import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'mysql',
  casing: 'snake_case',
  schema: ['./db/schema', './routes/*/tables.ts'],
  out: './db/migrations',
})
