import type { TenantConfig } from './tenant-config.js';

/** Looks up a secret by the name of its variable; undefined when there is none. */
export type ReadSecret = (name: string) => string | undefined;

/** Keys that every service may need, whether a tenant's configuration mentions them or not. */
export const standardSecrets = [
  'SENDGRID_API_KEY',
  'VAPI_API_KEY',
  'OPENAI_API_KEY',
  'SUPABASE_SERVICE_KEY',
] as const;

export type StandardSecret = (typeof standardSecrets)[number];

/** Of these a tenant may have its own; the others are everybody's. */
const ownSecrets: readonly string[] = ['SENDGRID_API_KEY', 'VAPI_API_KEY'];

/** Where a standard key stands in a configuration. */
const standardByPath: Readonly<Record<string, StandardSecret>> = {
  'infrastructure.sendgrid.api_key': 'SENDGRID_API_KEY',
  'email.sendgrid.api_key': 'SENDGRID_API_KEY',
  'infrastructure.vapi.api_key': 'VAPI_API_KEY',
  'infrastructure.openai.api_key': 'OPENAI_API_KEY',
};

/** Texts that people get to see are not looked up: whoever may edit them could read this service's environment. */
const technicalParts = ['infrastructure', 'email'];

/** The variables that may hold a secret, the first that is set counts: "ACME_SENDGRID_API_KEY", then "SENDGRID_API_KEY". */
function secretNames(tenantSlug: string, name: string): string[] {
  if (!ownSecrets.includes(name)) return [name];
  return [`${tenantSlug.toUpperCase().replaceAll('-', '_')}_${name}`, name];
}

/**
 * The configuration with the values of its references, such as `${ACME_SMTP_PASSWORD}`. Whoever reads one that is not set gets an
 * error which names it; it is in no copy and no JSON, so that those who do not need it are not troubled.
 */
export function readSecrets(
  stored: Readonly<Record<string, unknown>>,
  tenantSlug: string,
  readSecret: ReadSecret,
): TenantConfig {
  const copy = (value: unknown, path: string): unknown => {
    if (Array.isArray(value)) return value.map((item, at) => copy(item, `${path}.${at}`));
    if (typeof value !== 'object' || value === null) return value;
    const parent: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      const place = path === '' ? key : `${path}.${key}`;
      const names = namesAt(place, item, tenantSlug);
      const secret = names && first(names, readSecret);
      if (names && secret === undefined) forbid(parent, key, `${place} of tenant ${tenantSlug}`, names);
      else setOwn(parent, key, names ? secret : copy(item, place));
    }
    return parent;
  };
  // What the registry keeps has that shape.
  return copy(stored, '') as TenantConfig;
}

/** Throws when none of its variables is set. */
export function requireSecret(tenantSlug: string, name: StandardSecret, readSecret: ReadSecret): string {
  const names = secretNames(tenantSlug, name);
  const secret = first(names, readSecret);
  if (secret === undefined) throw notSet(`${name} for tenant ${tenantSlug}`, names);
  return secret;
}

function namesAt(place: string, value: unknown, tenantSlug: string): string[] | undefined {
  const name = typeof value === 'string' ? /^\$\{([A-Za-z_]\w*)\}$/.exec(value)?.[1] : undefined;
  if (name === undefined || !technicalParts.includes(place.split('.')[0] ?? '')) return undefined;
  const standard = standardByPath[place];
  return [...new Set([name, standard ?? name].flatMap((one) => secretNames(tenantSlug, one)))];
}

function first(names: readonly string[], readSecret: ReadSecret): string | undefined {
  for (const name of names) {
    const secret = readSecret(name);
    // As of a variable that somebody has left empty.
    if (secret !== undefined && secret !== '') return secret;
  }
  return undefined;
}

function forbid(parent: object, key: string, what: string, names: readonly string[]): void {
  Object.defineProperty(parent, key, {
    get() {
      throw notSet(what, names);
    },
  });
}

/** Also when its name is __proto__. */
function setOwn(parent: object, key: string, value: unknown): void {
  Object.defineProperty(parent, key, { value, enumerable: true, writable: true, configurable: true });
}

function notSet(what: string, names: readonly string[]): Error {
  return new Error(`${what} is not set: this service's environment has no ${names.join(' or ')}`);
}
