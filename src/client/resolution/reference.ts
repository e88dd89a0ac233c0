import { TenantRegistryError } from '../error.js';
import { kindOf } from '../option-check.js';

/** The maximum length of an id, slug or external id. */
const longest = 100;

/** Slugs have this form as well. Most requests name a tenant by one of these. */
const externalId = /^[A-Za-z0-9_][A-Za-z0-9._~:@=|+-]{0,99}$/;

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * Normalises an id, slug or external id as the registry stores it. Throws TENANT_NOT_FOUND for a text that can be none of them,
 * without a request.
 */
export function readReference(text: string): string {
  if (typeof text !== 'string')
    throw new TenantRegistryError(
      'VALIDATION_ERROR',
      `tenantId: expected the id, slug or external id of a tenant, got ${kindOf(text)}`,
    );
  if (externalId.test(text)) return normalise(text);
  const shown = text.length <= longest ? text : `${text.slice(0, longest)}…`;
  throw new TenantRegistryError('TENANT_NOT_FOUND', `No tenant has the id, slug or external id "${shown}"`);
}

/** Ids ignore case, slugs and external ids do not. */
export function normalise(text: string): string {
  return uuid.test(text) ? text.toLowerCase() : text;
}
