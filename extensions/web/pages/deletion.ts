import type { Resources } from 'birdhouse'
import { html } from 'ghtml'
import { pathOf, tweet } from './tweet.ts'

/** `token` is the hidden field of the form. */
export const deletionPage = (
  shown: Resources['Tweet'],
  token: string,
) => html`<section class="welcome">
<h1>Delete this tweet?</h1>
<p>It disappears from all timelines, with its likes and retweets. Replies stay.</p>
</section>
!${tweet(shown)}
<form method="post" action="/tweets/${shown.id}/delete" class="decision">!${token}
<button>Delete it</button> <a class="cancel" href="${pathOf(shown)}">Keep it</a>
</form>`
