import { html } from 'ghtml'
import { problemNote } from '../form.ts'

/** A page of the settings shows the text typed before, the problem with it, or a note that it is done. */
export type Shown = {
  /** Hidden fields of each form. */
  token: string
  entered: Partial<Record<string, string>>
  problem: string
  note: string
  isFactorOn: boolean
  email: string
}

/** A page of the settings, with a way back to the list of all. */
export const frame = (
  title: string,
  { problem, note }: Pick<Shown, 'problem' | 'note'>,
  main: string,
) => html`<p class="crumb"><a href="/settings">Settings</a></p>
<h1>${title}</h1>
!${problemNote(problem)}!${note && html`<p class="done" role="status">${note}</p>`}
!${main}`

type Form = {
  action: string
  button: string
  /** HTML of the fields. */
  fields?: string
  heading?: string
  /** A sentence before the fields. */
  about?: string
  isGrave?: boolean
  takesFiles?: boolean
}

export const form = (
  { token }: Pick<Shown, 'token'>,
  { action, button, fields = '', heading, about, isGrave, takesFiles }: Form,
) => html`<form method="post" action="${action}" class="form"!${takesFiles ? ' enctype="multipart/form-data"' : ''}>
!${token}!${heading ? html`<h2>${heading}</h2>` : ''}!${about ? html`<p>${about}</p>` : ''}
!${fields}
<button!${isGrave ? ' class="grave"' : ''}>${button}</button>
</form>`
