import type { Stack } from 'aws-cdk-lib'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { acknowledge } from './acknowledge.ts'

/** Secrets that only the service knows. An operator rotates them, as README.md says, in two steps. */
export function createSecrets(stack: Stack) {
  const create = (id: string, description: string) => {
    const secret = new Secret(stack, id, {
      description,
      generateSecretString: { passwordLength: 48, excludePunctuation: true },
    })
    acknowledge(secret, 'SMG4', 'Two values must be valid for a day: an operator rotates it.')
    return secret
  }
  return {
    jwt: create('JwtSecrets', 'JWT_SECRETS of Birdhouse'),
    secondFactor: create('SecondFactorKeys', 'SECOND_FACTOR_KEYS of Birdhouse'),
  }
}
