import type { Resources } from 'birdhouse'
import { html } from 'ghtml'
import { hidden } from '../form.ts'
import { olderLink } from '../layout.ts'
import { avatar } from '../tweet.ts'

type People = { items: Resources['UserSummary'][]; nextCursor: string | null }
type Undo = { path: string; undo: 'unblock' | 'unmute'; token: string }

const WORDS = { unblock: 'Unblock', unmute: 'Unmute' }

export const peoplePage = ({ items, nextCursor }: People, { path, undo, token }: Undo) => html`!${
  items.length === 0
    ? '<p class="empty">Nobody. The menu on the page of a person adds somebody.</p>'
    : html`<ul class="rows">!${items.map(
        (
          person,
        ) => html`<li>!${avatar(person, 44)}<div><a class="name" href="/@${person.handle}"><bdi>${person.name}</bdi></a><p>@${person.handle}</p></div>
<form method="post" action="/@${person.handle}/${undo}">!${token}!${hidden({ return_to: path })}<button class="quiet">${WORDS[undo]}<span class="hidden"> ${person.name}</span></button></form></li>`,
      )}</ul>`
}
!${olderLink(path, nextCursor, 'More people')}`
