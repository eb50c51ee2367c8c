import { PageOf, ref } from 'birdhouse/schemas'
export const UserPage = PageOf(ref('UserSummary'))
