import type { Parameter } from '../../database/statements/batch.js';
import { isUuid } from '../slug.js';

/** A row of namedTenantsSql: the id of a tenant, and its id, slug or external id as it was asked for. */
export interface NamedTenant {
  id: string;
  name: string;
}

/** The statement for all tenants with one of these ids, slugs or external ids, in any status. Its rows are NamedTenant. */
export function namedTenantsSql(references: readonly string[]): { text: string; values: Parameter[] } {
  const keys = references.map(keyOf);
  return {
    text: `SELECT id, id::text AS name FROM tenants WHERE id = ANY ($1::uuid[])
      UNION ALL SELECT id, slug FROM tenants WHERE slug = ANY ($2::text[])
      UNION ALL SELECT tenant_id, external_id FROM tenant_external_ids WHERE external_id = ANY ($2::text[]) AND status = 'active'`,
    values: [keys.filter(isUuid), keys.filter((key) => !isUuid(key))],
  };
}

/** The references, each with the id of its tenant; undefined for no tenant. */
export function matchNames(
  references: readonly string[],
  rows: readonly NamedTenant[],
): { reference: string; tenantId: string | undefined }[] {
  const idOf = new Map(rows.map(({ id, name }) => [name, id]));
  return references.map((reference) => ({ reference, tenantId: idOf.get(keyOf(reference)) }));
}

/** The reference in the form in which names are compared. */
export function keyOf(reference: string): string {
  return isUuid(reference) ? reference.toLowerCase() : reference;
}
