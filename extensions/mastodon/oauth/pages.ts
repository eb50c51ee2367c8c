import { html } from 'ghtml'
import { inWords } from './scopes.ts'

const hidden = (fields: Record<string, string | undefined>) =>
  Object.entries(fields)
    .map(([name, value]) =>
      value === undefined ? '' : html`<input type="hidden" name="${name}" value="${value}">`,
    )
    .join('\n')

const page = (
  title: string,
  main: string,
) => html`<section class="welcome"><h1>${title}</h1></section>
!${main}`

type Consent = {
  appName: string
  handle: string
  redirectUri: string
  scopes: string[]
  /** The path of a sign-in with another account. */
  otherAccount: string
  /** The hidden field of a form. */
  token: string
  fields: Record<string, string | undefined>
}

export const consentPage = ({
  appName,
  handle,
  redirectUri,
  scopes,
  otherAccount,
  token,
  fields,
}: Consent) =>
  page(
    'Allow this app?',
    html`<form method="post" action="/oauth/authorize" class="form">
!${token}!${hidden(fields)}
<p>You are signed in as <strong>@${handle}</strong>. Allow <strong dir="auto">${appName}</strong> to:</p>
<ul class="scopes">!${scopes.map((scope) => html`<li>${inWords(scope)}</li>`).join('')}</ul>
<p>You come back to <span dir="ltr">${redirectUri}</span>. You can end the app's access in the list of your sessions.</p>
<button name="decision" value="allow">Allow</button>
<button name="decision" value="deny" class="quiet">Deny</button>
</form>
<p class="aside"><a href="${otherAccount}">Use another account</a></p>`,
  )

export const codePage = (code: string) =>
  page(
    'Your code',
    html`<p>Copy this code into the app. It is valid once, for ten minutes.</p>
<code>${code}</code>`,
  )

/** `again` is the path of the request, if it can be made again. */
export const refusalPage = (sentence: string, again?: string) =>
  page(
    'The app cannot sign in',
    html`<p>${sentence}</p>
<p>!${again ? html`<a class="button" href="${again}">Look at the request again</a>` : '<a href="/">Go to the first page</a>'}</p>`,
  )
