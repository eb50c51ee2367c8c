import type { Resources } from 'birdhouse'
import { html } from 'ghtml'
import { area } from './form.ts'
import { tweet } from './tweet.ts'

export const CATEGORIES = {
  spam: 'Spam or advertising',
  harassment: 'Harassment or insults',
  hate: 'Hatred of a group of people',
  violence: 'Violence or threats',
  sexual: 'Sexual content',
  illegal: 'It breaks the law',
  other: 'Something else',
}

/** Without a tweet the person is reported. */
type Target = { person: Resources['User']; about?: Resources['Tweet'] | undefined }

export const reportPage = (
  { person: { name, handle }, about }: Target,
  { token, path }: { token: string; path: string },
) => html`<section class="welcome">
<h1>Report !${about ? 'this tweet' : html`<bdi>@${handle}</bdi>`}</h1>
<p>Moderators of this place look at it. <bdi>${name}</bdi> is not told who reports.</p>
</section>
!${about ? tweet(about) : ''}
<form method="post" action="${path}" class="form">!${token}
<fieldset><legend>What is wrong?</legend>
!${Object.entries(CATEGORIES).map(([value, label]) => html`<label class="check"><input type="radio" name="category" value="${value}" required> ${label}</label>`)}
</fieldset>
!${area({ name: 'text', label: 'What should the moderators know? (optional)', isRequired: false, more: { rows: '3', maxlength: '1000' } })}
<button>Report</button> <a class="cancel" href="/@${handle}">Cancel</a>
</form>`

export const reportedPage = (
  { handle, name, blocking }: Resources['User'],
  token: string,
) => html`<section class="welcome">
<h1>Thank you</h1>
<p>The moderators have your report.</p>
</section>
!${
  blocking
    ? ''
    : html`<form method="post" action="/@${handle}/block" class="decision">!${token}<input type="hidden" name="return_to" value="/@${handle}">
<p>If you do not want to see <bdi>${name}</bdi> any more, block <bdi>@${handle}</bdi>: neither of you sees the other.</p>
<button class="quiet">Block <bdi>@${handle}</bdi></button></form>`
}
<p><a href="/">Go to the first page</a></p>`
