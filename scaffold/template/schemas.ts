import { Type } from 'typebox'

export const Count = Type.Object({ tweets: Type.Integer({ examples: [3] }) })
