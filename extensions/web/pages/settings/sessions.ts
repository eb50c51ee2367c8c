import type { Resources } from 'birdhouse'
import { html } from 'ghtml'
import { deviceOf } from '../../device.ts'
import { olderLink } from '../layout.ts'
import { time } from '../tweet.ts'
import type { Shown } from './frame.ts'

type Session = Resources['Session']
type SessionPage = { items: Session[]; nextCursor: string | null }

export const sessionsPage = (
  { items, nextCursor }: SessionPage,
  { token }: Shown,
) => html`<p>You are signed in at these places, or have allowed an app to use your account. End what you do not know, and change your password.</p>
<form method="post" action="/settings/sessions/end-others" class="decision">!${token}<button>End all others</button></form>
<ul class="rows">!${items.map((one) => session(one, token))}</ul>
!${olderLink('/settings/sessions', nextCursor, 'Older sessions')}`

const session = (
  { id, app, current, ip, userAgent, createdAt, lastUsedAt }: Session,
  token: string,
) => html`<li><div><strong>${app ?? 'Sign-in by the API'}</strong>!${current ? ' <span class="badge">This browser</span>' : ''}
<p>${deviceOf(userAgent)}!${ip && html`, from ${ip}`}</p>
<p>Last used !${time(lastUsedAt)}, begun !${time(createdAt)}</p></div>
!${
  current
    ? ''
    : html`<form method="post" action="/settings/sessions/${id}/end">!${token}<button class="quiet">End<span class="hidden"> the session of ${app ?? 'the API'}, ${deviceOf(userAgent)}</span></button></form>`
}</li>`
