import type { FastifyInstance } from 'birdhouse'
import { html } from 'ghtml'
import type { Site } from './layout.ts'

type Rules = FastifyInstance['signUp']['rules']
export type Entered = Partial<Record<'name' | 'email' | 'handle' | 'invitation', string>>

export const signUpPage = (
  { mode, terms }: Rules,
  entered: Entered = {},
  problem = '',
) => html`<section class="welcome">
<h1>Sign up</h1>
!${mode === 'approved' ? html`<p>A moderator looks at each new account before its first sign-in.</p>` : ''}
</section>
<form method="post" action="/join" class="form">
!${problem && html`<p class="problem" role="alert">${problem}</p>`}
!${field('name', 'Name', 'text', { autocomplete: 'name', maxlength: '50' }, entered.name)}
!${field('email', 'E-mail address', 'email', { autocomplete: 'email' }, entered.email)}
!${field('password', 'Password', 'password', { autocomplete: 'new-password', minlength: '8' })}
!${field('handle', 'Handle, such as hong (optional)', 'text', { autocomplete: 'username', autocapitalize: 'none' }, entered.handle, false)}
!${mode === 'invited' ? field('invitation', 'Invitation', 'text', { autocomplete: 'off' }, entered.invitation) : ''}
!${
  terms
    ? html`<label class="check"><input type="checkbox" name="acceptedTerms" value="${terms.version}" required> I accept the !${
        terms.url ? html`<a href="${terms.url}">terms</a>` : 'terms'
      }</label>`
    : ''
}
<button>Sign up</button>
</form>`

function field(
  name: string,
  label: string,
  type: string,
  attributes: Record<string, string>,
  value = '',
  isRequired = true,
) {
  const more = Object.entries(attributes).map(([key, each]) => html` ${key}="${each}"`)
  return html`<label>${label} <input name="${name}" type="${type}" value="${value}"!${more}!${isRequired ? ' required' : ''}></label>`
}

export const welcomePage = (
  site: Site,
  handle: string | null,
  host: string,
) => html`<section class="welcome">
<h1>Welcome</h1>
!${
  handle === null
    ? html`<p>Your account waits for a moderator. You get a mail as soon as it is approved.</p>`
    : html`<p>You are <a href="/@${handle}">@${handle}</a> at ${site.name}.</p>`
}
<p>Sign in with any app for Mastodon: as its server, enter <strong>${host}</strong>.</p>
</section>`
