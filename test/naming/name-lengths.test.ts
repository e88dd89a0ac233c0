import { expect, test } from 'vitest';
import { identifier } from '../../src/database/identifier.js';
import { buildingName } from '../../src/provisioning/storage/database-storage.js';
import { accessRole, ownerRole } from '../../src/provisioning/storage/module-role.js';
import { moduleName, slug } from '../../src/registry/input.js';
import { moduleFields } from '../../src/registry/modules/module.js';
import { existingName, storageName } from '../../src/registry/storage-name.js';
import { findPostgresUrlProblems } from '../../src/urls/postgres-url.js';

/** PostgreSQL cuts a name to 63 bytes, and what is left may be the name of something else: what is longer is refused where it is given. */

const longest = { prefix: 'p'.repeat(20), slug: 's'.repeat(40), module: 'm'.repeat(31) };

test.each([
  ['a schema or database, with its highest suffix', `${longest.prefix}${longest.slug}_99`],
  ['the role that owns a module’s schemas', ownerRole(longest.module)],
  ['the role that may use them', accessRole(longest.module)],
  ['the role of a module’s services', `${longest.module}_service`],
  ['the procedure of a module', `ensure_${longest.module}_tenant_schema`],
  ['a database that is being made', buildingName('d'.repeat(63))],
])('the longest name of %s fits', (_of, name) => {
  expect(identifier(name)).toBe(`"${name}"`);
});

const url = (database: string, user = 'u') => `postgres://${user}@h/${encodeURIComponent(database)}`;

test.each<[string, (text: string) => boolean, string]>([
  ['a prefix', (text) => moduleFields.schemaPrefix.safeParse(text).success, longest.prefix],
  ['a slug', (text) => slug.safeParse(text).success, longest.slug],
  ['a module', (text) => moduleName.safeParse(text).success, longest.module],
  ['storage', (text) => storageName.safeParse(text).success, 'x'.repeat(63)],
  ['existing storage', (text) => existingName.safeParse(text).success, `${'ü'.repeat(31)}x`],
  ['a database in a URL', (text) => findPostgresUrlProblems(url(text))?.length === 0, `${'ü'.repeat(31)}x`],
  ['a role in a URL', (text) => findPostgresUrlProblems(url('d', text))?.length === 0, 'x'.repeat(63)],
])('the longest name of %s is taken, and one byte more is refused', (_of, isTaken, name) => {
  expect([isTaken(name), isTaken(`${name}x`)]).toEqual([true, false]);
});
