import { html } from 'ghtml'
import { check, codeField, hidden } from '../form.ts'
import { form, type Shown } from './frame.ts'
import { proofFields } from './index.ts'

const END_OTHERS = { name: 'endOthers', label: 'End all my other sessions' }

export const secondFactorPage = (codesLeft: number, shown: Shown) =>
  shown.isFactorOn
    ? html`<p>Your second factor is <strong>on</strong>. You have ${codesLeft} unused recovery codes. For new codes, switch it off and on again.</p>
!${form(shown, {
        action: '/settings/second-factor/stop',
        button: 'Switch it off',
        isGrave: true,
        fields: proofFields(shown) + check(END_OTHERS),
      })}`
    : form(shown, {
        action: '/settings/second-factor/start',
        button: 'Set it up',
        about:
          'With a second factor nobody can sign in who knows your password alone: an authenticator app on your phone shows a code that changes every 30 seconds.',
        fields: proofFields(shown),
      })

/** `url` begins with `otpauth:`, and has the secret. */
export function setUpPage(url: string, shown: Shown) {
  const secret = new URL(url).searchParams.get('secret') ?? ''
  return html`<ol class="steps"><li><p>Open your authenticator app, and type this secret, or <a href="${url}">open it in an app on this device</a>.</p>
<p><code class="secret">${(secret.match(/.{1,4}/g) ?? []).join(' ')}</code></p></li>
<li><p>Type the code that the app shows now.</p>
!${form(shown, {
    action: '/settings/second-factor/confirm',
    button: 'Switch it on',
    fields: hidden({ url }) + codeField('Code') + check(END_OTHERS),
  })}</li></ol>`
}

export const recoveryPage = (
  codes: string[],
) => html`<p>Your second factor is on. Keep these recovery codes where nobody else finds them, such as on paper: each replaces a code of the app once, if you lose your phone. <strong>They are shown this once.</strong></p>
<ol class="codes">!${codes.map((code) => html`<li><code>${code}</code></li>`)}</ol>
<p><a class="button" href="/settings">I have kept them</a></p>`
