/**
 * Which variables a tenant's configuration may refer to. The registry refuses other references already; this is the second
 * barrier, in the process whose environment they would read. A test compares the two.
 */

/** Shared keys, each only at the places of its service: at another place, a tenant could send it to its own server. */
const sharedNames: Readonly<Record<string, readonly string[]>> = {
  SENDGRID_API_KEY: ['infrastructure.sendgrid.api_key', 'email.sendgrid.api_key'],
  VAPI_API_KEY: ['infrastructure.vapi.api_key'],
  OPENAI_API_KEY: ['infrastructure.openai.api_key'],
};

/** First words of variables that services have for themselves. A tenant with such a slug has no variables of its own. */
const reservedWords: readonly string[] = [
  ...['ADMIN', 'ANTHROPIC', 'API', 'APP', 'AUTH', 'AWS', 'AZURE', 'DATABASE', 'DATADOG', 'DB', 'DOCKER'],
  ...['ENCRYPTION', 'GCP', 'GITHUB', 'GITLAB', 'GOOGLE', 'JWT', 'KAFKA', 'KUBERNETES', 'MONGO', 'MONGODB'],
  ...['MYSQL', 'NODE', 'NPM', 'OAUTH', 'OIDC', 'OPENAI', 'OTEL', 'PG', 'POSTGRES', 'POSTGRESQL', 'PRISMA'],
  ...['PRIVATE', 'RABBITMQ', 'REDIS', 'REGISTRY', 'SECRET', 'SENDGRID', 'SENTRY', 'SERVICE', 'SESSION'],
  ...['SIGNING', 'SLACK', 'SMTP', 'SSH', 'SSL', 'STRIPE', 'SUPABASE', 'TLS', 'TWILIO', 'VAPI', 'VAULT'],
];

/** The tenant whose configuration is read, and the option `secretNames` of this service. */
export interface ReferenceScope {
  slug: string;
  secretNames: readonly string[];
}

/** Returns the prefix of the tenant's own variables: "oil-and-gas" → "OIL_AND_GAS_". */
export function variablePrefix(slug: string): string {
  return `${slug.toUpperCase().replaceAll('-', '_')}_`;
}

/** Whether the configuration of the tenant may name this variable at this place, such as "email.smtp.password". */
export function isAllowedName(name: string, place: string, { slug, secretNames }: ReferenceScope): boolean {
  // This key opens the data of all tenants.
  if (/SUPABASE_SERVICE_(ROLE_)?KEY$/i.test(name)) return false;
  if (secretNames.includes(name)) return true;
  const places = Object.hasOwn(sharedNames, name) ? sharedNames[name] : undefined;
  if (places) return places.includes(place);
  const prefix = variablePrefix(slug);
  const isOwn = name.startsWith(prefix) && name.length > prefix.length;
  return isOwn && !reservedWords.includes(name.split('_')[0] ?? '') && !name.endsWith('_DB_URL');
}
