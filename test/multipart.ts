import { type App, call } from './helper.ts'

type Upload = { as?: { token: string } | undefined; field?: string; name?: string; type?: string }

/** A multipart body with one file. */
export function formOf(bytes: Buffer, { field = 'file', name = 'a.bin', type = '' }: Upload = {}) {
  const form = new FormData()
  form.append(field, new Blob([new Uint8Array(bytes)], { type }), name)
  return form
}

/** Sends a form to the avatar route. */
export const sendForm = (app: App, as: { token: string } | undefined, form: FormData) =>
  call(app, 'PUT /v1/users/me/avatar', { as, body: form })

/** Uploads a profile picture. */
export const upload = (app: App, bytes: Buffer, options: Upload = {}) =>
  sendForm(app, options.as, formOf(bytes, options))

/** The key of the object that a public URL leads to, signed or not. */
export const keyOf = (app: App, url: string) =>
  url.replace(`${app.config.mediaBaseUrl}/`, '').replace(/\?.*/, '')
