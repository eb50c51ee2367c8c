import { createHash } from 'node:crypto'
import type { FastifyReply } from 'birdhouse'
import { html } from 'ghtml'
import { sourceOf } from './redirects.ts'
import { inWords } from './scopes.ts'

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { max-width: 26rem; margin: 2rem auto; padding: 0 1rem; word-break: keep-all; overflow-wrap: anywhere }
label { display: block; margin-top: 1rem }
input { display: block; box-sizing: border-box; width: 100%; padding: .5rem; font: inherit }
button { margin: 1.5rem .5rem 0 0; padding: .5rem 1rem; font: inherit }
[role=alert] { border-left: .25rem solid #c22; padding-left: .75rem }
code { display: block; padding: .75rem; border: 1px solid; font-size: 1.1rem }
`
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

const page = (title: string, body: string) => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>!${STYLE}</style>
</head>
<body><main><h1>${title}</h1>!${body}</main></body>
</html>
`

/** Sends a page without script, whose forms lead here and, by a redirect, to the app. */
export function sendPage(reply: FastifyReply, title: string, body: string, redirectUri?: string) {
  const target = redirectUri === undefined ? '' : ` ${sourceOf(redirectUri)}`
  return reply
    .header(
      'content-security-policy',
      `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'${target.trimEnd()}; base-uri 'none'; frame-ancestors 'none'`,
    )
    .type('text/html; charset=utf-8')
    .send(page(title, body))
}

const hidden = (fields: Record<string, string | undefined>) =>
  Object.entries(fields)
    .map(([name, value]) =>
      value === undefined ? '' : html`<input type="hidden" name="${name}" value="${value}">`,
    )
    .join('\n')

type SignIn = {
  appName: string
  fields: Record<string, string | undefined>
  email?: string | undefined
  problem?: string | undefined
}

export const signInForm = ({ appName, fields, email = '', problem }: SignIn) => html`
!${problem ? html`<p role="alert">${problem}</p>` : ''}
<p><strong dir="auto">${appName}</strong> asks to use your account. Sign in to see what it asks for.</p>
<form method="post" action="/oauth/authorize">
!${hidden(fields)}
<label>E-mail address <input name="email" type="email" autocomplete="username" value="${email}" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<label>Code of your authenticator app, if you use one <input name="code" autocomplete="one-time-code"></label>
<button>Sign in</button>
<button name="decision" value="deny" formnovalidate>Cancel</button>
</form>`

type Consent = {
  appName: string
  handle: string
  redirectUri: string
  scopes: string[]
  fields: Record<string, string | undefined>
}

export const consentForm = ({ appName, handle, redirectUri, scopes, fields }: Consent) => html`
<p>You are signed in as <strong>@${handle}</strong>. Allow <strong dir="auto">${appName}</strong> to:</p>
<ul>!${scopes.map((scope) => html`<li>${inWords(scope)}</li>`).join('')}</ul>
<p>You come back to <span dir="ltr">${redirectUri}</span>. You can end the app's access in the list of your sessions.</p>
<form method="post" action="/oauth/authorize">
!${hidden(fields)}
<button name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button>
</form>`

export const codePage = (code: string) => html`
<p>Copy this code into the app. It is valid once, for ten minutes.</p>
<code>${code}</code>`

export const sentence = (text: string) => html`<p>${text}</p>`
