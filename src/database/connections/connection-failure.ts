import { DatabaseError } from 'pg';
import { adviseOnNetwork, reasonOf } from '../../urls/network-failure.js';
import { describeServer, type PostgresTarget } from '../../urls/postgres-url.js';
import { identifier } from '../identifier.js';
import { PoolerError } from './pooler.js';

/** What a session that could not be opened was to be. */
export interface Attempt extends Pick<PostgresTarget, 'host' | 'port' | 'database' | 'tls'> {
  /** The role, from the URL or the environment. */
  user: string;
  /** The variable with the URL. */
  variable: string;
}

interface Refusal {
  states: RegExp;
  /** The function of the server that refused: its message depends on the server's language. */
  routine?: RegExp;
  advise: (attempt: Attempt) => string;
}

const refusals: readonly Refusal[] = [
  {
    states: /^28P01$/,
    advise: ({ user, variable }) =>
      `correct the role and the password in ${variable} (in a password write @ as %40, % as %25 and so on), or as an administrator ` +
      `ALTER ROLE ${identifier(user)} LOGIN PASSWORD '…'`,
  },
  {
    states: /^28000$/,
    routine: /^(InitializeSessionUserId|miss_role|get_role_oid)/,
    advise: ({ user, variable }) =>
      `correct the role in ${variable}, or as an administrator CREATE ROLE ${identifier(user)} LOGIN PASSWORD '…'`,
  },
  {
    states: /^28000$/,
    advise: ({ tls, variable }) =>
      typeof tls === 'object'
        ? `add sslcert=<path> and sslkey=<path> with the client certificate that the server asks for to ${variable}, or let an administrator add a rule to pg_hba.conf`
        : `add sslmode=verify-full to ${variable}, because the server may require TLS, or let an administrator add a rule to pg_hba.conf`,
  },
  {
    states: /^3D000$/,
    advise: ({ user, database, variable }) =>
      `correct the database in ${variable}, or as an administrator CREATE DATABASE ${identifier(database)} OWNER ${identifier(user)}`,
  },
  {
    states: /^42501$/,
    advise: ({ user, database }) =>
      `as an administrator GRANT CONNECT ON DATABASE ${identifier(database)} TO ${identifier(user)}`,
  },
  {
    states: /^53300$/,
    advise: ({ user }) =>
      `end other connections, or as an administrator ALTER SYSTEM SET max_connections and ALTER ROLE ${identifier(user)} CONNECTION LIMIT`,
  },
  {
    states: /^(57P0[1-5]|08004|55000)$/,
    advise: () => 'wait until the server accepts connections, and try again',
  },
];

/** Failures that the driver reports in its own words, without a code. */
const driverWords: readonly [RegExp, (attempt: Attempt) => string][] = [
  [
    /does not support SSL connections/,
    ({ variable }) => `set sslmode=disable in ${variable}, or let an administrator turn ssl on`,
  ],
  [
    /error establishing an SSL connection|Connection terminated/,
    ({ variable }) => `check that the host and the port in ${variable} lead to PostgreSQL`,
  ],
  [
    /timeout/i,
    ({ variable }) => `correct the host and the port in ${variable}, or allow the connection in the firewall`,
  ],
];

/** One line: what failed, and the way out. */
export function describeConnectionFailure(error: unknown, attempt: Attempt): string {
  const message = reasonOf(error);
  // Its message names the way out.
  if (error instanceof PoolerError) return message;
  const { user, database } = attempt;
  const reason = `Cannot connect to database "${database}" at ${describeServer(attempt)} as ${user}: ${message}`;
  const advice = advise(error, attempt, message);
  return advice === undefined ? reason : `${reason}: ${advice}`;
}

function advise(error: unknown, attempt: Attempt, message: string): string | undefined {
  if (error instanceof DatabaseError) {
    const { code = '', routine = '' } = error;
    const found = refusals.find(
      (one) => one.states.test(code) && (one.routine === undefined || one.routine.test(routine)),
    );
    return found?.advise(attempt);
  }
  return (
    adviseOnNetwork(error, attempt.variable) ??
    driverWords.find(([words]) => words.test(message))?.[1](attempt)
  );
}
