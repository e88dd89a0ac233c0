import { TenantRegistryError } from './error.js';

/** Neither an id nor a slug is longer. */
const longest = 40;

/**
 * An id or slug as the registry keeps it. Throws TENANT_NOT_FOUND for what can be neither, so that nobody has to be asked
 * about it.
 */
export function readReference(text: string): string {
  if (text.length <= longest && /^[a-z0-9]+(?:[-_][a-z0-9]+)*$/.test(text)) return text;
  // Ids are the same in capitals, slugs are not.
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text)) return text.toLowerCase();
  const shown = text.length <= longest ? text : `${text.slice(0, longest)}…`;
  throw new TenantRegistryError('TENANT_NOT_FOUND', `No tenant has the id or slug "${shown}"`);
}
