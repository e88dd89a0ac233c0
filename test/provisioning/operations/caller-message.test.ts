import { DatabaseError } from 'pg';
import { describe, expect, test } from 'vitest';
import { messageForCaller } from '../../../src/provisioning/operations/caller-message.js';

const withCode = (message: string, code: string) => Object.assign(new Error(message), { code });
const databaseError = (message: string, code: string) =>
  Object.assign(new DatabaseError(message, 1, 'error'), { code });

describe('the error of an operation, as callers read it, has no address and no role of', () => {
  test.each([
    ['a refused connection', withCode('connect ECONNREFUSED 10.1.2.3:5432', 'ECONNREFUSED')],
    ['a refused connection over IPv6', withCode('connect ECONNREFUSED fd12::3:5432', 'ECONNREFUSED')],
    ['an unknown host', withCode('getaddrinfo ENOTFOUND db.corp.internal', 'ENOTFOUND')],
    ['a timeout', withCode('connect ETIMEDOUT 10.1.2.3:5432', 'ETIMEDOUT')],
    ['a socket', withCode('connect ENOENT /var/run/db.corp.internal/.s.PGSQL.5432', 'ENOENT')],
    [
      'a host with several addresses',
      new AggregateError([withCode('connect ECONNREFUSED 10.1.2.3:5432', 'ECONNREFUSED')]),
    ],
    [
      'a certificate',
      withCode(
        "Hostname/IP does not match: Host: db.corp.internal. is not in the cert's altnames",
        'ERR_TLS_CERT_ALTNAME_INVALID',
      ),
    ],
    ['a wrong password', databaseError('password authentication failed for user "registry_owner"', '28P01')],
    [
      'pg_hba.conf',
      databaseError(
        'no pg_hba.conf entry for host "10.1.2.3", user "registry_owner", database "finance", no encryption',
        '28000',
      ),
    ],
    ['a role that is missing', databaseError('role "registry_owner" does not exist', '42704')],
    [
      'a role that may not be taken',
      databaseError('permission denied to set role "registry_owner"', '42501'),
    ],
    ['a role one is no member of', databaseError('must be able to SET ROLE "registry_owner"', '42501')],
    [
      'a wrapped error',
      new Error(
        'Migration crm/0001.sql failed: could not connect to server at postgres://registry_owner:hunter22@db.corp.internal:5432/x',
      ),
    ],
    [
      'dblink',
      databaseError('could not establish connection to 10.1.2.3:5432 as user "registry_owner"', '08001'),
    ],
    ['a link-local address', new Error('read failed at [fe80::1]:5432 and fe80::1')],
    ['a text with a secret', new Error('failed: password=hunter22 rejected')],
    ['something that is no error', 'connect ECONNREFUSED 10.1.2.3:5432'],
  ])('%s', (_, error) => {
    const message = messageForCaller(error);
    expect(message).not.toMatch(/10\.1\.2\.3|fd12|fe80|corp\.internal|registry_owner|hunter22|5432\b.*PGSQL/);
    expect(message.length).toBeGreaterThan(5);
  });

  test.each([
    'Migration crm/0003_half.sql failed: broken on purpose',
    'schema "finance_acme" was not made by the registry',
    'permission denied for schema finance_acme: as an administrator, run what "tenant-registry grants" prints',
    'relation "invoice" already exists at 12:34:56',
    'column "user" does not exist',
    'version 1.2.3 is too old',
  ])('and keeps what its reader can correct: %s', (text) => {
    expect(messageForCaller(databaseError(text, 'P0001'))).toBe(text);
  });
});
