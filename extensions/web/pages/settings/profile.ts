import type { Resources } from 'birdhouse'
import { html } from 'ghtml'
import { area, check, field, pictureField } from '../form.ts'
import { avatar } from '../tweet.ts'
import { form, type Shown } from './frame.ts'

export function profilePage(me: Resources['OwnUser'], shown: Shown) {
  const { name, handle, profile } = { ...me, ...shown.entered }
  return form(shown, {
    action: '/settings/profile',
    button: 'Save',
    takesFiles: true,
    fields: html`!${field({ name: 'name', label: 'Name', value: name, more: { autocomplete: 'name', maxlength: '50', dir: 'auto' } })}
!${field({
      name: 'handle',
      label: 'Handle (3 to 30 of a-z, 0-9 and _)',
      value: handle,
      more: {
        autocomplete: 'username',
        autocapitalize: 'none',
        spellcheck: 'false',
        maxlength: '30',
      },
    })}
!${area({ name: 'profile', label: 'About you', value: profile, isRequired: false, more: { rows: '4', maxlength: '2000' } })}
<fieldset><legend>Picture of your profile</legend>
!${me.avatar ? html`<p class="attached">!${avatar(me, 72)} <span>It is shown beside your name, which people who cannot see it hear.</span></p>` : ''}
!${pictureField({ name: 'avatar', label: 'Choose a picture; it is cut to a square' })}
!${me.avatar ? check({ name: 'noAvatar', label: 'Delete the present picture' }) : ''}
</fieldset>
<fieldset><legend>Picture at the top of your page</legend>
!${me.header ? html`<p><img class="present" src="${me.header.small}" alt="The present picture at the top of your page" width="480" height="160"></p>` : ''}
!${pictureField({ name: 'header', label: 'Choose a wide picture; it is cut to 3:1' })}
!${me.header ? check({ name: 'noHeader', label: 'Delete the present picture' }) : ''}
</fieldset>`,
  })
}
