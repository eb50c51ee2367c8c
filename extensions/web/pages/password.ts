import { html } from 'ghtml'
import { field, mailTokenField, passwordField, problemNote } from './form.ts'

type Forgotten = { token: string; email: string; problem: string }

export const forgottenPage = ({
  token,
  email,
  problem,
}: Forgotten) => html`<section class="welcome">
<h1>Forgotten password</h1>
<p>Type the e-mail address of your account. You get a mail with a token, with which you choose a new password.</p>
</section>
<form method="post" action="/password/forgotten" class="form">
!${problemNote(problem)}
!${token}!${field({ name: 'email', label: 'E-mail address', type: 'email', value: email, more: { autocomplete: 'email' } })}
<button>Send the mail</button> <a class="cancel" href="/sign-in">Cancel</a>
</form>
<p class="aside">You have a mail with a token? <a href="/password/new">Choose a new password</a></p>`

/** Says the same whether or not somebody has the address. */
export const askedPage = html`<section class="welcome">
<h1>Look at your mails</h1>
<p>If an account has this address, a mail is on its way. It is valid for 30 minutes.</p>
<p><a class="button" href="/password/new">I have the mail</a></p>
</section>`

type NewPassword = { token: string; mailToken: string; problem: string }

export const newPasswordPage = ({
  token,
  mailToken,
  problem,
}: NewPassword) => html`<section class="welcome">
<h1>New password</h1>
<p>All your sessions end, so that you sign in anew everywhere.</p>
</section>
<form method="post" action="/password/new" class="form">
!${problemNote(problem)}
!${token}!${mailTokenField(mailToken)}
!${passwordField('newPassword', 'The new password (at least 8 characters)', 'new-password')}
<button>Change the password</button> <a class="cancel" href="/sign-in">Cancel</a>
</form>
<p class="aside">The mail is too old? <a href="/password/forgotten">Ask for another</a></p>`
