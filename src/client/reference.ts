import { TenantRegistryError } from './error.js';
import { kindOf } from './option-check.js';

/** The maximum length of an id or slug. */
const longest = 40;

/**
 * Normalises an id or slug as the registry stores it. Throws TENANT_NOT_FOUND for a text that can be neither,
 * without a request.
 */
export function readReference(text: string): string {
  if (typeof text !== 'string')
    throw new TenantRegistryError(
      'VALIDATION_ERROR',
      `tenantId: expected the id or slug of a tenant, got ${kindOf(text)}`,
    );
  if (text.length <= longest && /^[a-z0-9]+(?:[-_][a-z0-9]+)*$/.test(text)) return text;
  // Ids ignore case, slugs do not.
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text)) return text.toLowerCase();
  const shown = text.length <= longest ? text : `${text.slice(0, longest)}…`;
  throw new TenantRegistryError('TENANT_NOT_FOUND', `No tenant has the id or slug "${shown}"`);
}
