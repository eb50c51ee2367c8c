import type { Resources } from 'birdhouse'
import { html } from 'ghtml'
import { field, mailTokenField, passwordField } from '../form.ts'
import { form, type Shown } from './frame.ts'
import { proofFields } from './index.ts'

export const passwordPage = (shown: Shown) =>
  form(shown, {
    action: '/settings/password',
    button: 'Change the password',
    about:
      'A new password has at least 8 characters. All your other sessions end, so that you sign in anew elsewhere.',
    fields: proofFields(shown) + passwordField('newPassword', 'The new password', 'new-password'),
  })

export const emailPage = (
  { email, emailVerified }: Resources['OwnUser'] & { emailVerified?: boolean },
  shown: Shown,
) => html`<p>Your address is <strong>${email}</strong>!${emailVerified ? ', and you have confirmed it' : ', and you have not confirmed it yet'}.</p>
!${form(shown, {
  action: '/settings/email/confirm',
  heading: 'You have a mail from us?',
  about: 'Type the token that the mail has, to confirm your address or a new one.',
  button: 'Confirm',
  fields: mailTokenField(shown.entered.mailToken),
})}
!${emailVerified ? '' : form(shown, { action: '/settings/email/verify', heading: 'No mail came?', button: 'Send another mail' })}
!${form(shown, {
  action: '/settings/email',
  heading: 'Another address',
  about: 'A mail goes to the new address, which is yours as soon as you confirm it.',
  button: 'Send the mail',
  fields: html`!${field({ name: 'email', label: 'The new address', type: 'email', value: shown.entered.email, more: { autocomplete: 'email' } })}
!${proofFields(shown)}`,
})}`
