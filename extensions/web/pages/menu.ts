import type { Resources } from 'birdhouse'
import { html } from 'ghtml'
import { hidden } from './form.ts'
import type { View } from './tweet.ts'

type Person = Pick<Resources['User'], 'handle' | 'name' | 'blocking' | 'muting'>

/** Muting, blocking and reporting, behind a button that opens without script. `reported` is the path of a report. */
export const menu = (
  { handle, name, blocking, muting }: Person,
  { token }: Pick<View, 'token'>,
  reported: string,
) => html`<details class="menu"><summary><span aria-hidden="true">•••</span><span class="hidden">More about ${name}</span></summary>
<form method="post" action="/@${handle}/mute">!${token}!${hidden({ return_to: `/@${handle}` })}
!${act(handle, muting ? ['unmute', 'Unmute'] : ['mute', 'Mute'])}
!${act(handle, blocking ? ['unblock', 'Unblock'] : ['block', 'Block'])}
<a href="${reported}">Report</a>
</form></details>`

const act = (handle: string, [name, word]: [string, string]) =>
  html`<button formaction="/@${handle}/${name}" class="link">${word} <bdi>@${handle}</bdi></button>`
