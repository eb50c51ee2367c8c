import { html } from 'ghtml'

type Field = {
  name: string
  label: string
  type?: string
  value?: string | undefined
  isRequired?: boolean
  /** Further attributes, such as `autocomplete`. */
  more?: Record<string, string>
}

const attributes = (more: Record<string, string>, isRequired: boolean) =>
  Object.entries(more)
    .map(([key, each]) => html` ${key}="${each}"`)
    .join('') + (isRequired ? ' required' : '')

export const field = ({
  name,
  label,
  type = 'text',
  value = '',
  isRequired = true,
  more = {},
}: Field) =>
  html`<label>${label} <input name="${name}" type="${type}" value="${value}"!${attributes(more, isRequired)}></label>`

export const area = ({ name, label, value = '', isRequired = true, more = {} }: Field) =>
  html`<label>${label} <textarea name="${name}" dir="auto"!${attributes(more, isRequired)}>${value}</textarea></label>`

export const check = ({ name, label }: Pick<Field, 'name' | 'label'>) =>
  html`<label class="check"><input type="checkbox" name="${name}" value="true"> ${label}</label>`

export const pictureField = ({ name, label }: Pick<Field, 'name' | 'label'>) =>
  html`<label>${label} <input name="${name}" type="file" accept="image/jpeg,image/png,image/webp,image/gif,image/avif"></label>`

export const passwordField = (name: string, label: string, autocomplete: string) =>
  field({ name, label, type: 'password', more: { autocomplete } })

export const mailTokenField = (value: string | undefined) =>
  field({
    name: 'mailToken',
    label: 'Token of the mail',
    value,
    more: { autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false' },
  })

export const codeField = (label: string) =>
  field({
    name: 'code',
    label,
    more: { autocomplete: 'one-time-code', autocapitalize: 'none', spellcheck: 'false' },
  })

export const hidden = (fields: Record<string, string | undefined>) =>
  Object.entries(fields)
    .map(([name, value]) =>
      value === undefined ? '' : html`<input type="hidden" name="${name}" value="${value}">`,
    )
    .join('')

/** Screen readers read it as soon as the page is there. */
export const problemNote = (problem: string) =>
  problem && html`<p class="problem" role="alert">${problem}</p>`
