import type { Resources } from 'birdhouse'
import { html } from 'ghtml'
import { time } from '../tweet.ts'
import { form, type Shown } from './frame.ts'
import { proofFields } from './index.ts'

type Export = Resources['DataExport']

const size = (bytes: number) =>
  bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`

export const archivePage = (archives: Export[], shown: Shown) => html`!${form(shown, {
  action: '/settings/archive',
  button: 'Ask for an archive',
  about:
    'A ZIP with all that this place keeps of you, as JSON files, and with your pictures. It takes some minutes, and a mail tells you that it was asked for. You can ask three times a day.',
  fields: proofFields(shown),
})}
!${archives.length > 0 ? html`<h2>Your archives</h2><ul class="rows">!${archives.map(row)}</ul>` : ''}`

const row = ({ id, status, bytes, createdAt, expiresAt }: Export) =>
  html`<li><div><strong>Archive of !${time(createdAt)}</strong><p>!${
    status === 'inProgress'
      ? 'It is being made. Load this page again in a minute.'
      : status === 'failed'
        ? 'It failed. Ask for another.'
        : html`Ready, ${size(bytes ?? 0)}!${expiresAt && html`, kept until !${time(expiresAt)}`}`
  }</p></div>!${status === 'ready' ? html`<a class="button quiet" href="/settings/archive/${id}">Download</a>` : ''}</li>`
