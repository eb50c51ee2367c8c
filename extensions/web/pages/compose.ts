import type { Resources } from 'birdhouse'
import { html } from 'ghtml'
import { field, hidden, problemNote } from './form.ts'
import type { View } from './tweet.ts'

export type Draft = {
  text?: string | undefined
  replyTo?: Pick<Resources['TweetBody'], 'id' | 'author'> | undefined
  /** Pictures that are stored already. */
  pictures?: Resources['Media'][]
  problem?: string
}

/** A form for a tweet, which stores one picture at a time; `more` comes back for another. */
export const composeForm = (
  { token, here, once }: Pick<View, 'token' | 'here'> & { once: string },
  { text = '', replyTo, pictures = [], problem = '' }: Draft,
  most: { characters: number; pictures: number },
) => html`<form method="post" action="/tweets" enctype="multipart/form-data" class="form compose" id="${replyTo ? 'reply' : 'compose'}">
!${problemNote(problem)}
!${token}!${hidden({ return_to: here, once, reply_to: replyTo && String(replyTo.id), media: pictures.map(({ id }) => id).join(',') || undefined })}
<label>!${replyTo ? html`Your reply to <bdi>@${replyTo.author?.handle}</bdi>` : 'What is new?'}
<textarea name="text" rows="2" dir="auto">${text}</textarea></label>
!${pictures.map(
  ({ alt, variants }) =>
    html`<p class="attached"><img src="${variants.small.url}" alt="${alt || 'A picture without a description'}" width="72" height="72"> ${alt || 'Without a description'}</p>`,
)}
!${pictures.length < most.pictures ? pictureFields(pictures.length > 0) : ''}
<p class="send"><span>At most ${most.characters} characters</span> <button>!${replyTo ? 'Reply' : 'Post'}</button></p>
</form>`

const pictureFields = (isOpen: boolean) => html`<details!${isOpen ? ' open' : ''}>
<summary>Add a picture</summary>
<label>Picture <input name="picture" type="file" accept="image/jpeg,image/png,image/webp,image/gif,image/avif"></label>
!${field({ name: 'alt', label: 'What the picture shows, for people who cannot see it', isRequired: false })}
<button name="more" value="true" class="quiet">Add it, and go on writing</button>
</details>`
