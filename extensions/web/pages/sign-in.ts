import { html } from 'ghtml'
import { pathBack } from '../own-path.ts'
import type { Reason } from '../service.ts'
import { field, hidden, problemNote } from './form.ts'

type SignIn = {
  token: string
  returnTo: string
  reason?: Reason | undefined
  name?: string | undefined
  problem?: string
}

export const signInPage = ({
  token,
  returnTo,
  reason,
  name,
  problem = '',
}: SignIn) => html`<section class="welcome">
<h1>Sign in</h1>
!${reason ? html`<p>${reason.sentence} Sign in to see what it asks for.</p>` : ''}
</section>
<form method="post" action="/sign-in" class="form">
!${problemNote(problem)}
!${token}!${hidden({ return_to: returnTo })}
!${field({
  name: 'email',
  label: 'Handle or e-mail address',
  value: name,
  more: { autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false' },
})}
!${field({
  name: 'password',
  label: 'Password',
  type: 'password',
  more: { autocomplete: 'current-password' },
})}
<button>Sign in</button>!${reason ? html` <a class="cancel" href="${reason.cancel}">Cancel</a>` : ''}
</form>
<p class="aside">No account yet? <a href="${pathBack('/join', returnTo)}">Sign up</a></p>
<p class="aside"><a href="/password/forgotten">Forgotten the password?</a></p>`

type CodeStep = { token: string; returnTo: string; ticket: string; problem?: string }

export const codePage = ({
  token,
  returnTo,
  ticket,
  problem = '',
}: CodeStep) => html`<section class="welcome">
<h1>Enter your code</h1>
<p>Your password is right. This account has a second factor as well: type the code that your authenticator app shows now, or one of your recovery codes. This page cannot use a passkey; type a recovery code instead.</p>
</section>
<form method="post" action="/sign-in" class="form">
!${problemNote(problem)}
!${token}!${hidden({ return_to: returnTo, ticket })}
!${field({
  name: 'code',
  label: 'Code',
  more: { autocomplete: 'one-time-code', autocapitalize: 'none', spellcheck: 'false' },
})}
<button>Sign in</button> <a class="cancel" href="${pathBack('/sign-in', returnTo)}">Start again</a>
</form>`
