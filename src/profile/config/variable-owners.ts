/**
 * Keeps the variables of tenants apart whose slugs begin alike: ACME_TRADING_SMTP_PASSWORD belongs to the tenant
 * acme-trading, although it also begins with the prefix of the tenant acme.
 */

import type { Transaction } from '../../database/registry-database.js';
import type { Statement } from '../../database/statements/batch.js';
import { invalidFields, RegistryError } from '../../errors.js';
import { variablePrefix } from '../../registry/values/secret-detector.js';
import { listOwnNames, type ReferenceScope } from './secret-reference.js';

/** Refuses references of a configuration to variables that also belong to another tenant. Throws VALIDATION_ERROR. */
export async function requireOwnVariables(
  tx: Transaction,
  config: unknown,
  scope: ReferenceScope,
): Promise<void> {
  const names = listOwnNames(config, scope);
  const candidates = [...new Set(names.flatMap((name) => slugsBefore(name.split('_').slice(0, -1))))];
  if (candidates.length === 0) return;
  await tx.send(lockPrefix(scope.slug, 'exclusive'));
  const others = await tx.tenant.findMany({
    where: { slug: { in: candidates, not: scope.slug } },
    select: { slug: true },
  });
  const problems = names.flatMap((name) => {
    const owner = others.find(({ slug }) => name.startsWith(variablePrefix(slug)));
    if (!owner) return [];
    const message = `names ${name}, which also is a variable of tenant ${owner.slug}: choose another name`;
    return [{ field: 'config', message }];
  });
  if (problems.length > 0) throw invalidFields(problems);
}

/**
 * Refuses a new slug when the configuration of another tenant already names variables that would belong to the new
 * tenant. Throws CONFLICT in front of the next statement. `hasConfig`: whether requireOwnVariables follows.
 */
export function requireUnusedPrefix(tx: Transaction, slug: string, hasConfig: boolean): void {
  const candidates = slugsBefore(slug.split(/[-_]/)).filter((one) => one !== slug);
  if (candidates.length === 0) return;
  const pattern = `%\${${variablePrefix(slug).replaceAll('_', String.raw`\_`)}%`;
  const find = {
    text: 'SELECT slug FROM tenants WHERE slug = ANY ($1) AND tenant_config::text LIKE $2 LIMIT 1',
    values: [candidates, pattern],
    isFrequent: true,
  };
  // New tenants cannot overlook each other's references, unless they have a configuration.
  tx.prepend([lockPrefix(slug, hasConfig ? 'exclusive' : 'shared'), find], ([, found]) => {
    const other = found?.rows[0];
    if (!other) return;
    const message =
      `The configuration of tenant ${other.slug} refers to variables that begin with ${variablePrefix(slug)}, ` +
      'which would belong to this slug: choose another slug, or change those references first';
    throw new RegistryError('CONFLICT', message, { fields: [{ field: 'slug', message }] });
  });
}

/** Two transactions that could each overlook the other's tenant or reference run one after the other. */
function lockPrefix(slug: string, mode: 'exclusive' | 'shared'): Statement {
  const lock = mode === 'shared' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock';
  const text = `SELECT ${lock}(hashtext('tenant variables'), hashtext($1))`;
  return { text, values: [slug.split(/[-_]/)[0] ?? ''], isFrequent: true };
}

/** More words than this give too many spellings; no service has a variable of so many. */
const maxWords = 10;

/** Lists the slugs that a run of words can begin with, in every spelling: acme_x is acme, acme-x or acme_x. */
function slugsBefore(words: readonly string[]): string[] {
  const [first = '', ...others] = words.slice(0, maxWords).map((word) => word.toLowerCase());
  let longest = [first];
  const all = [first];
  for (const word of others) {
    longest = longest.flatMap((slug) => [`${slug}-${word}`, `${slug}_${word}`]);
    all.push(...longest);
  }
  return all;
}
