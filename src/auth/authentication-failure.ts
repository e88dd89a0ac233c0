import { RegistryError } from '../errors.js';

/** Why nobody was found behind the credentials of a request. The label of a metric, so there are few. */
export const authenticationReasons = [
  'missing',
  'malformed',
  'unknown_key',
  'token_expired',
  'token_invalid',
] as const;

export type AuthenticationReason = (typeof authenticationReasons)[number];

/** UNAUTHENTICATED, with the reason for the metric. */
export class AuthenticationFailure extends RegistryError {
  readonly reason: AuthenticationReason;

  constructor(reason: AuthenticationReason, message: string) {
    super('UNAUTHENTICATED', message);
    this.reason = reason;
  }
}
