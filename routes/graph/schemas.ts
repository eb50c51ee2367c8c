import { PageOf } from '../../plugins/pagination.ts'
import { ref } from '../../plugins/schemas.ts'

export const UserPage = PageOf(ref('UserSummary'))
