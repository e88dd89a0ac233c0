/**
 * Keeps the variables of tenants apart whose slugs begin alike: ACME_TRADING_SMTP_PASSWORD belongs to the tenant
 * acme-trading, although it also begins with the prefix of the tenant acme.
 */
import type { Transaction } from '../database/registry-database.js';
import { invalidFields, RegistryError } from '../errors.js';
import { variablePrefix } from '../registry/secret-detector.js';
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
  await lockPrefix(tx, scope.slug);
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
 * tenant. Throws CONFLICT.
 */
export async function requireUnusedPrefix(tx: Transaction, slug: string): Promise<void> {
  const candidates = slugsBefore(slug.split(/[-_]/)).filter((one) => one !== slug);
  if (candidates.length === 0) return;
  await lockPrefix(tx, slug);
  const pattern = `%\${${variablePrefix(slug).replaceAll('_', String.raw`\_`)}%`;
  const [other] = await tx.$queryRaw<{ slug: string }[]>`
    SELECT slug FROM tenants WHERE slug = ANY (${candidates}) AND tenant_config::text LIKE ${pattern} LIMIT 1`;
  if (!other) return;
  const message =
    `The configuration of tenant ${other.slug} refers to variables that begin with ${variablePrefix(slug)}, ` +
    'which would belong to this slug: choose another slug, or change those references first';
  throw new RegistryError('CONFLICT', message, { fields: [{ field: 'slug', message }] });
}

/** Two transactions that could each overlook the other's tenant or reference run one after the other. */
async function lockPrefix(tx: Transaction, slug: string): Promise<void> {
  const word = slug.split(/[-_]/)[0] ?? '';
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('tenant variables'), hashtext(${word}))`;
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
