import { html } from 'ghtml'
import { form, type Shown } from './frame.ts'
import { proofFields } from './index.ts'

export const deletionPage = (shown: Shown) => html`!${form(shown, {
  action: '/settings/delete',
  button: 'Delete the account',
  isGrave: true,
  about:
    'Your profile, tweets, pictures and sessions disappear at once, and are erased soon after. Nobody can bring them back. If you want to keep them, ask for an archive first.',
  fields: proofFields(shown),
})}
<p class="aside"><a href="/settings/archive">Archive of your data</a></p>`

export const deletedPage = html`<section class="welcome">
<h1>Your account is deleted</h1>
<p>Nobody sees it any more. All that is left of it is erased soon.</p>
<p><a href="/">Go to the first page</a></p>
</section>`
