import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const style = readFileSync(join(import.meta.dirname, 'style.css'), 'utf8')
export const icon = readFileSync(join(import.meta.dirname, 'icon.svg'), 'utf8')

const version = createHash('sha256').update(style).digest('base64url').slice(0, 8)
/** The version lets browsers keep the file for ever. */
export const STYLE_PATH = `/web/style.css?v=${version}`
