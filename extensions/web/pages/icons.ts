import { html } from 'ghtml'

/** Outlines in a square of 24, drawn with the colour of the text. */
const SHAPES = {
  reply: 'M4 5h16v11H10l-5 4v-4H4z',
  retweet:
    'M7 6h8a3 3 0 0 1 3 3v7M14.5 12.5L18 16l3.5-3.5M17 18H9a3 3 0 0 1-3-3V8M2.5 11.5L6 8l3.5 3.5',
  like: 'M12 20S4 15 4 9.5A4.5 4.5 0 0 1 12 7a4.5 4.5 0 0 1 8 2.5C20 15 12 20 12 20z',
  bookmark: 'M6 4h12v16l-6-4-6 4z',
  delete: 'M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13',
}
export type Icon = keyof typeof SHAPES

const symbols = Object.entries(SHAPES).map(
  ([name, path]) =>
    html`<symbol id="icon-${name}" viewBox="0 0 24 24"><path d="${path}"/></symbol>`,
)

/** Once in a page, so that each use is short. */
export const SPRITE = html`<svg class="sprite" aria-hidden="true">!${symbols}</svg>`

export const icon = (name: Icon) =>
  html`<svg class="icon" aria-hidden="true"><use href="#icon-${name}"/></svg>`
