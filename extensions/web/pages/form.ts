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

export function field({
  name,
  label,
  type = 'text',
  value = '',
  isRequired = true,
  more = {},
}: Field) {
  const attributes = Object.entries(more).map(([key, each]) => html` ${key}="${each}"`)
  return html`<label>${label} <input name="${name}" type="${type}" value="${value}"!${attributes}!${isRequired ? ' required' : ''}></label>`
}

export const hidden = (fields: Record<string, string | undefined>) =>
  Object.entries(fields)
    .map(([name, value]) =>
      value === undefined ? '' : html`<input type="hidden" name="${name}" value="${value}">`,
    )
    .join('')

/** Screen readers read it as soon as the page is there. */
export const problemNote = (problem: string) =>
  problem && html`<p class="problem" role="alert">${problem}</p>`
