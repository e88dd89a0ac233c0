/**
 * Which variables a tenant's configuration may refer to. A service replaces references by values of its environment, so
 * a reference to any other variable would hand the service's own secrets to the tenant. The client package has the same
 * rule (src/client/config/secret-reference.ts), and a table of cases tests both.
 */
import type { FieldProblem } from '../../errors.js';
import { secretReference, variablePrefix } from '../../registry/values/secret-detector.js';

/** The tenant whose configuration is read, and the names that the operator allows for every tenant. */
export interface ReferenceScope {
  slug: string;
  /** Setting SECRET_NAMES. */
  secretNames: readonly string[];
}

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

/** Returns why a variable must not be named at this place; undefined when it may be. */
export function findNameProblem(
  name: string,
  place: string,
  { slug, secretNames }: ReferenceScope,
): string | undefined {
  // This key opens the data of all tenants.
  if (/SUPABASE_SERVICE_(ROLE_)?KEY$/i.test(name))
    return 'names the Supabase service key, which has no place in a configuration, not even as a reference';
  if (secretNames.includes(name)) return undefined;
  const prefix = variablePrefix(slug);
  const places = Object.hasOwn(sharedNames, name) ? sharedNames[name] : undefined;
  // No service replaces references under extensions.
  if (places?.includes(place) || (places && place.startsWith('extensions.'))) return undefined;
  if (places) return `names ${name}, which only ${places.join(' and ')} may name: write \${${prefix}…}`;
  const allow = 'or let the operator add the name to SECRET_NAMES';
  if (!name.startsWith(prefix) || name.length === prefix.length)
    return `names a variable that does not belong to this tenant: write \${${prefix}…}, ${allow}`;
  if (reservedWords.includes(name.split('_')[0] ?? '') || name.endsWith('_DB_URL'))
    return `names a variable that services use themselves: choose another name, ${allow}`;
  return undefined;
}

/** Returns why a text at this place is refused as a reference or its lookalike; undefined for an ordinary text. */
export function findReferenceProblem(text: string, place: string, scope: ReferenceScope): string | undefined {
  if (secretReference.test(text)) return findNameProblem(text.slice(2, -1), place, scope);
  // Letters that only look like these, and characters that nobody sees, may be changed by a program that reads them.
  const plain = text.normalize('NFKC').replace(/\p{Cf}/gu, '');
  if (hasDefault(text))
    return `has a reference with a default, which is not replaced: write \${${variablePrefix(scope.slug)}…} alone and set the variable`;
  if (plain.includes(`\${`) || /^\s*\$[A-Za-z_]\w*\s*$/.test(plain))
    return `has a reference in a form that is not replaced: write \${${variablePrefix(scope.slug)}…} as the whole value, with nothing before or after it`;
  return undefined;
}

/** Whether a text has a reference in a form of the shell: "${NAME:-value}", "${NAME-value}", "${NAME:?message}". */
export function hasDefault(text: string): boolean {
  return /\$\{[A-Za-z_]\w*:?[-+=?]/.test(text);
}

/** Finds every reference in a configuration that is not allowed, also in lists and in the names of keys. */
export function findReferenceProblems(config: unknown, scope: ReferenceScope): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const visit = (value: unknown, place: string): void => {
    if (typeof value === 'string') {
      const message = findReferenceProblem(value, place, scope);
      if (message !== undefined) problems.push({ field: place || 'config', message });
    } else if (typeof value === 'object' && value !== null)
      for (const [key, item] of Object.entries(value)) {
        const below = place === '' ? key : `${place}.${key}`;
        // Object.entries also lists the items of an array, whose indexes are no references.
        if (hasReference(key))
          problems.push({ field: below, message: 'has a reference in the name of a key' });
        visit(item, below);
      }
  };
  visit(config, '');
  return problems;
}

/** The tenant's own variables that a configuration names. */
export function listOwnNames(config: unknown, { slug, secretNames }: ReferenceScope): string[] {
  const names = new Set<string>();
  const prefix = variablePrefix(slug);
  const visit = (value: unknown): void => {
    if (typeof value === 'string' && secretReference.test(value)) {
      const name = value.slice(2, -1);
      if (name.startsWith(prefix) && !secretNames.includes(name)) names.add(name);
    } else if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
  };
  visit(config);
  return [...names];
}

function hasReference(key: string): boolean {
  return key
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .includes(`\${`);
}
