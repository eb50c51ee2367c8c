import OAuth2Server from '@node-oauth/oauth2-server'
import type { FastifyInstance, FastifyRequest } from 'birdhouse'
import type { App } from './apps.ts'
import { areKnown, DEFAULT_SCOPES, includes } from './scopes.ts'
import { newSecret } from './secrets.ts'

const { InvalidGrantError } = OAuth2Server

type Client = OAuth2Server.Client & { app: App }
/** The person of a code, and the password that the code is bound to. */
type Owner = { id: number; binding: Buffer | null }

const toClient = (app: App): Client => ({
  app,
  id: app.clientId,
  redirectUris: app.redirectUris,
  grants: ['authorization_code', 'client_credentials'],
})

/** Scopes that an app may ask for: known ones, within those that it has registered. */
export const isAllowed = (app: App, scopes: string[]) =>
  areKnown(scopes) && scopes.every((scope) => includes(app.scopes, scope))

/** The storage of the library that checks the requests of apps; the library knows no database. */
export function createModel(
  app: FastifyInstance,
  request: FastifyRequest,
): OAuth2Server.AuthorizationCodeModel & OAuth2Server.ClientCredentialsModel {
  const { apps, codes, tokens } = app.mastodon

  async function getClient(clientId: string, secret: string) {
    const found = await apps.authenticate(clientId, secret)
    return found && toClient(found)
  }

  async function getAuthorizationCode(code: string) {
    const found = await codes.find(code, false)
    if (!found) return undefined
    // RFC 6749, section 4.1.2: one of both users has stolen the code.
    if (found.spentAt) {
      if (found.sessionId)
        await app.auth.sessions.revoke(found.userId, found.sessionId).catch(() => {})
      return undefined
    }
    const { appId, challenge, expiresAt, redirectUri, scopes, userId } = found
    const owner = await apps.byId(appId)
    return (
      owner && {
        authorizationCode: code,
        expiresAt,
        redirectUri,
        scope: scopes.split(' '),
        client: toClient(owner),
        user: { id: userId, binding: found.binding },
        ...(challenge && { codeChallenge: challenge, codeChallengeMethod: 'S256' }),
      }
    )
  }

  async function saveToken(token: OAuth2Server.Token, client: Client, user: Partial<Owner>) {
    const scopes = (token.scope ?? [DEFAULT_SCOPES]).join(' ')
    const appId = client.app.id
    if (user.id === undefined)
      await tokens.store(token.accessToken, { appId, userId: null, sessionId: null, scopes })
    else await openSession(token, client, { binding: null, ...user, id: user.id }, scopes)
    return { ...token, scope: scopes.split(' '), client, user }
  }

  async function openSession(
    { accessToken, authorizationCode }: OAuth2Server.Token,
    { app: { id: appId, name } }: Client,
    { id: userId, binding }: Owner,
    scopes: string,
  ) {
    const client = {
      ip: request.clientAddress,
      userAgent: request.headers['user-agent'] ?? '',
      app: name,
    }
    await app
      .transaction(async (tx) => {
        const sessionId = await app.auth.sessions.openForApp(userId, client, tx)
        await tokens.store(accessToken, { appId, userId, sessionId, scopes }, tx)
        // The account's row is locked: the password changes entirely before or after.
        if (!(await codes.isBound({ userId, binding }, tx)))
          throw new InvalidGrantError('The password of the account has changed.')
        await codes.noteSession(tx, authorizationCode, sessionId)
      })
      .catch((error) => {
        // Deleted or suspended since the consent.
        throw error.code === 'USER_NOT_FOUND'
          ? new InvalidGrantError('The account is not available.')
          : error
      })
  }

  return {
    getClient,
    getAuthorizationCode,
    saveToken,
    generateAccessToken: async () => newSecret(),
    generateAuthorizationCode: async () => newSecret(),
    saveAuthorizationCode: async (code, client, user) => {
      const { authorizationCode, scope = [], redirectUri, codeChallenge } = code
      const grant = {
        appId: (client as Client).app.id,
        userId: user.id,
        redirectUri,
        scopes: scope.join(' '),
        challenge: codeChallenge ?? null,
        binding: user.binding,
      }
      await codes.issue(grant, false, authorizationCode)
      return { ...code, client, user }
    },
    revokeAuthorizationCode: ({ authorizationCode }) => codes.spend(authorizationCode),
    getUserFromClient: async () => ({}),
    validateScope: async (_user, client, scopes = [DEFAULT_SCOPES]) =>
      isAllowed((client as Client).app, scopes) && scopes,
    getAccessToken: async () => undefined,
  }
}
