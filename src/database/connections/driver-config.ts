import type { ClientConfig } from 'pg';
import type { PostgresTarget } from '../../urls/postgres-url.js';
import { tlsOptions } from '../../urls/tls-rules.js';

/** The driver's configuration for a target. The environment gives what is left out. */
export function driverConfig(target: PostgresTarget): ClientConfig {
  const { host, port, user, password, database, tls, startsWithTls, channelBinding, applicationName } =
    target;
  return {
    database,
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(tls !== 'default' && { ssl: tls === 'none' ? false : tlsOptions(tls) }),
    ...(startsWithTls && { sslnegotiation: 'direct' }),
    ...(channelBinding !== 'disable' && { enableChannelBinding: true }),
    ...(applicationName !== undefined && { application_name: applicationName }),
  };
}

const boundMechanism = 'SCRAM-SHA-256-PLUS';

/** Binds the login to the TLS connection, so that nobody in between can pass it on. */
export class ChannelBinding {
  readonly #isRequired: boolean;
  #isOffered = false;

  constructor(mode: PostgresTarget['channelBinding']) {
    this.#isRequired = mode === 'require';
  }

  /** The server asks for one of these methods. The driver takes the bound one when it is among them. */
  offered(mechanisms: readonly string[]): void {
    this.#isOffered = mechanisms.includes(boundMechanism);
  }

  /** The driver asks for the password when the server has named its method, and before it sends anything of it. */
  guard<Password>(password: Password): Password | (() => Password) {
    if (!this.#isRequired) return password;
    return () => {
      this.requireBound();
      return password;
    };
  }

  requireBound(): void {
    if (this.#isRequired && !this.#isOffered)
      throw new Error(
        `the server does not offer ${boundMechanism}, which channel_binding=require asks for: a pooler or proxy may be in front of it`,
      );
  }
}
