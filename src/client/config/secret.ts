import { isAllowedName, type ReferenceScope, variablePrefix } from './secret-reference.js';
import type { TenantConfig } from './tenant-config.js';

/** Returns the value of a variable, or undefined when it is not set. */
export type ReadSecret = (name: string) => string | undefined;

/** Keys that every service may need, whether or not a tenant's configuration mentions them. */
export const standardSecrets = [
  'SENDGRID_API_KEY',
  'VAPI_API_KEY',
  'OPENAI_API_KEY',
  'SUPABASE_SERVICE_KEY',
] as const;

export type StandardSecret = (typeof standardSecrets)[number];

/** Keys of which a tenant may have its own value; the others are shared by all tenants. */
const ownSecrets: readonly string[] = ['SENDGRID_API_KEY', 'VAPI_API_KEY'];

/** The paths of the standard keys in a configuration. */
const standardByPath: Readonly<Record<string, StandardSecret>> = {
  'infrastructure.sendgrid.api_key': 'SENDGRID_API_KEY',
  'email.sendgrid.api_key': 'SENDGRID_API_KEY',
  'infrastructure.vapi.api_key': 'VAPI_API_KEY',
  'infrastructure.openai.api_key': 'OPENAI_API_KEY',
};

/** References in other sections, such as texts that are shown to users, are not resolved. */
const technicalParts = ['infrastructure', 'email'];

/** The variables that may hold a secret, in order of precedence: "ACME_SENDGRID_API_KEY", then "SENDGRID_API_KEY". */
function secretNames(tenantSlug: string, name: string): string[] {
  if (!ownSecrets.includes(name)) return [name];
  return [variablePrefix(tenantSlug) + name, name];
}

/**
 * Returns the configuration with references such as `${ACME_SMTP_PASSWORD}` replaced by their values. Reading a
 * reference that is not allowed, or whose variable is not set, throws an error that names it; copies and JSON leave it
 * out.
 */
export function readSecrets(
  stored: Readonly<Record<string, unknown>>,
  scope: ReferenceScope,
  readSecret: ReadSecret,
): TenantConfig {
  const copy = (value: unknown, path: string): unknown => {
    if (Array.isArray(value)) return value.map((item, at) => copy(item, `${path}.${at}`));
    if (typeof value !== 'object' || value === null) return value;
    const parent: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      const place = path === '' ? key : `${path}.${key}`;
      const name = referenceAt(place, item);
      if (name === undefined) setOwn(parent, key, copy(item, place));
      else setSecret(parent, key, { name, place, scope, readSecret });
    }
    return parent;
  };
  // The registry guarantees this shape.
  return copy(stored, '') as TenantConfig;
}

/** Throws when none of the variables is set. */
export function requireSecret(tenantSlug: string, name: StandardSecret, readSecret: ReadSecret): string {
  const names = secretNames(tenantSlug, name);
  const secret = first(names, readSecret);
  if (secret === undefined) throw notSet(`${name} for tenant ${tenantSlug}`, names);
  return secret;
}

/** Returns the variable that a value refers to; undefined when the value is no reference that is resolved. */
function referenceAt(place: string, value: unknown): string | undefined {
  if (typeof value !== 'string' || !technicalParts.includes(place.split('.')[0] ?? '')) return undefined;
  return /^\$\{([A-Za-z_]\w*)\}$/.exec(value)?.[1];
}

function setSecret(
  parent: object,
  key: string,
  reference: { name: string; place: string; scope: ReferenceScope; readSecret: ReadSecret },
): void {
  const { name, place, scope, readSecret } = reference;
  const what = `${place} of tenant ${scope.slug}`;
  const names = [
    ...new Set([name, standardByPath[place] ?? name].flatMap((one) => secretNames(scope.slug, one))),
  ];
  const isAllowed = isAllowedName(name, place, scope);
  const secret = isAllowed ? first(names, readSecret) : undefined;
  if (secret !== undefined) setOwn(parent, key, secret);
  else forbid(parent, key, () => (isAllowed ? notSet(what, names) : notAllowed(what, name, scope)));
}

function first(names: readonly string[], readSecret: ReadSecret): string | undefined {
  for (const name of names) {
    const secret = readSecret(name);
    // An empty variable counts as not set.
    if (secret !== undefined && secret !== '') return secret;
  }
  return undefined;
}

function forbid(parent: object, key: string, createError: () => Error): void {
  Object.defineProperty(parent, key, {
    get() {
      throw createError();
    },
  });
}

/** Also correct for the name __proto__. */
function setOwn(parent: object, key: string, value: unknown): void {
  Object.defineProperty(parent, key, { value, enumerable: true, writable: true, configurable: true });
}

function notAllowed(what: string, name: string, { slug }: ReferenceScope): Error {
  return new Error(
    `${what} is not allowed: it refers to ${name}, which is not a variable of this tenant at this place; ` +
      `change the configuration to \${${variablePrefix(slug)}…}, or list the name in the option secretNames`,
  );
}

function notSet(what: string, names: readonly string[]): Error {
  return new Error(`${what} is not set: this service's environment has no ${names.join(' or ')}`);
}
