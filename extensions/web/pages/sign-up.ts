import type { FastifyInstance } from 'birdhouse'
import { html } from 'ghtml'
import { pathBack } from '../own-path.ts'
import type { Reason } from '../service.ts'
import { field, hidden, problemNote } from './form.ts'
import type { Site } from './layout.ts'

type Rules = FastifyInstance['signUp']['rules']
export type Entered = Partial<Record<'name' | 'email' | 'handle' | 'invitation', string>>

/** `returnTo` is the path to which a new person goes on, for the `reason`. */
type Way = { token: string; returnTo: string; reason: Reason | undefined }

export const signUpPage = (
  { mode, terms }: Rules,
  { token, returnTo, reason }: Way,
  entered: Entered = {},
  problem = '',
) => html`<section class="welcome">
<h1>Sign up</h1>
!${reason ? html`<p>${reason.sentence} Sign up to see what it asks for.</p>` : ''}
!${mode === 'approved' ? html`<p>A moderator looks at each new account before its first sign-in.</p>` : ''}
</section>
<form method="post" action="/join" class="form">
!${problemNote(problem)}!${token}!${hidden({ return_to: returnTo })}
!${field({ name: 'name', label: 'Name', value: entered.name, more: { autocomplete: 'name', maxlength: '50' } })}
!${field({ name: 'email', label: 'E-mail address', type: 'email', value: entered.email, more: { autocomplete: 'email' } })}
!${field({ name: 'password', label: 'Password', type: 'password', more: { autocomplete: 'new-password', minlength: '8' } })}
!${field({ name: 'handle', label: 'Handle, such as hong (optional)', value: entered.handle, isRequired: false, more: { autocomplete: 'username', autocapitalize: 'none' } })}
!${mode === 'invited' ? field({ name: 'invitation', label: 'Invitation', value: entered.invitation, more: { autocomplete: 'off' } }) : ''}
!${
  terms
    ? html`<label class="check"><input type="checkbox" name="acceptedTerms" value="${terms.version}" required> I accept the !${
        terms.url ? html`<a href="${terms.url}">terms</a>` : 'terms'
      }</label>`
    : ''
}
<button>Sign up</button>
</form>
<p class="aside">You have an account? <a href="${pathBack('/sign-in', returnTo)}">Sign in</a></p>`

export const joinedPage = (
  site: Site,
  handle: string | null,
  host: string,
) => html`<section class="welcome">
<h1>Welcome</h1>
!${
  handle === null
    ? html`<p>Your account waits for a moderator. You get a mail as soon as it is approved.</p>`
    : html`<p>You are <a href="/@${handle}">@${handle}</a> at ${site.name}, and signed in. <a href="/">Go to your timeline</a>, and write your first tweet.</p>`
}
<p>On a phone or another computer, sign in here, or with any app for Mastodon: as its server, enter <strong>${host}</strong>.</p>
</section>`
