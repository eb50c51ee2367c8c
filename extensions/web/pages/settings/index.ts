import type { Resources } from 'birdhouse'
import { html } from 'ghtml'
import { codeField, passwordField } from '../form.ts'
import type { Shown } from './frame.ts'

/** The password, and the code where a second factor is on. The address is for password managers, and not sent. */
export const proofFields = ({ isFactorOn, email }: Shown) =>
  html`<input autocomplete="username" value="${email}" hidden>` +
  passwordField('password', 'Your password', 'current-password') +
  (isFactorOn ? codeField('Code of your authenticator app, or a recovery code') : '')

const entry = ([path, name, about]: readonly [string, string, string]) =>
  html`<li><a href="/settings/${path}">${name}</a><p>${about}</p></li>`

const ACCOUNT = [
  ['profile', 'Profile', 'Your name, handle, text and pictures.'],
  ['email', 'E-mail address', 'Where mails about your account go.'],
  ['password', 'Password', 'Change it here; a forgotten password is reset by mail.'],
] as const

const SAFETY = [
  ['sessions', 'Sessions', 'Where you are signed in, and which apps use your account.'],
  ['blocked', 'Blocked people', 'They do not see you, and you do not see them in lists.'],
  ['muted', 'Muted people', 'You do not see what they write. They are not told.'],
] as const

const DATA = [
  ['archive', 'Archive of your data', 'A file with all that this place keeps of you.'],
  ['delete', 'Delete the account', 'With all that you have posted.'],
] as const

export const overview = (
  { name, handle, email }: Resources['OwnUser'],
  isFactorOn: boolean,
) => html`<section class="welcome"><h1>Settings</h1>
<p><bdi>${name}</bdi>, <a href="/@${handle}">@${handle}</a>, ${email}</p></section>
<h2>Your account</h2>
<ul class="entries">!${ACCOUNT.map(entry)}</ul>
<h2>Safety</h2>
<ul class="entries">!${entry(['second-factor', 'Second factor', isFactorOn ? 'On: a sign-in needs a code as well.' : 'Off: a sign-in needs the password alone.'])}!${SAFETY.map(entry)}</ul>
<h2>Your data</h2>
<ul class="entries">!${DATA.map(entry)}</ul>`
