/**
 * What looks like a secret. A false alarm costs somebody a reference more; a secret that gets through lies in backups, logs
 * and replicas for ever. The database has the same rules as a last resort (registry_find_secret); a test holds the two
 * together.
 */

/** Where a secret stands and what it looks like; never what it is. */
export interface FoundSecret {
  path: string;
  looksLike: string;
}

/** The name of a variable that holds the secret wherever it is used. */
export const secretReference = /^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/;

/** Begins the variables of a tenant's own secrets: "oil-and-gas" → "OIL_AND_GAS_". */
export function variablePrefix(slug: string): string {
  return `${slug.toUpperCase().replaceAll('-', '_')}_`;
}

const secretKey =
  /(^|[^a-z0-9])(secret|token|password|passwd|pwd|passphrase|credentials?|(api|anon|service|private|secret|access|auth|account|signing|encryption)[^a-z0-9]?key)$/;

/** The first that matches. Written so that PostgreSQL reads them as JavaScript does. */
const secretForms: readonly { looksLike: string; pattern: RegExp; isProse?: true }[] = [
  { looksLike: 'a PEM block', pattern: /-----BEGIN [A-Z0-9 ]+-----/ },
  { looksLike: 'a JSON Web Token', pattern: /eyJ[A-Za-z0-9_-]{0,255}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+/ },
  {
    looksLike: 'a URL with a password',
    pattern: /[A-Za-z][A-Za-z0-9+.-]{0,30}:\/\/[^/?#@\s]{0,200}:[^/?#@\s]{1,200}@/,
  },
  {
    looksLike: 'a URL with a key in it',
    pattern:
      /[?&](access_token|token|api_?key|key|sig|signature|secret|password|code|x-amz-signature)=[^&#\s]{8}/i,
  },
  {
    looksLike: 'a webhook URL, which anyone who knows it can call',
    pattern: /hooks\.slack\.com\/services\/|discord(app)?\.com\/api\/webhooks\//,
  },
  {
    looksLike: 'a key of a known service',
    pattern:
      /(^|[^A-Za-z0-9_])(SG\.[A-Za-z0-9_-]{6}|sk-[A-Za-z0-9_-]{12}|(sk|pk|rk)_(live|test)_[A-Za-z0-9]{8}|(AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12}|AIza[A-Za-z0-9_-]{20}|ya29\.|gh[pousr]_[A-Za-z0-9]{16}|github_pat_|glpat-|xox[abeoprs]-|xapp-|sb[ps]_[A-Za-z0-9_]{16}|sb_secret_|shp(at|ca|pa|ss)_|npm_[A-Za-z0-9]{16}|hf_[A-Za-z0-9]{16}|dop_v1_|whsec_|sq0[a-z]{3}-|EAAC[A-Za-z0-9]{10}|(SK|AC)[0-9a-f]{32}|key-[0-9a-f]{32}|re_[A-Za-z0-9]{16}|pat-[a-z]{2}[0-9]-|vault:v[0-9]|hvs\.|trk_[A-Za-z0-9_-]{16})/,
  },
  { looksLike: 'an Authorization header', pattern: /(^|[^A-Za-z])(Bearer|Basic) +[A-Za-z0-9+/=._~-]{12}/ },
  {
    looksLike: 'a password or key in a text',
    // In logs, where it would find too much of SQL and stack traces, there is a narrower one.
    isProse: true,
    pattern:
      /(password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|account ?key|shared ?access ?key)["']? *[:=] *["']?[^\s"'$]{6}/i,
  },
];

/** Every place of a configuration that holds what looks like a secret. Paths are as in "email.smtp.password". */
export function findSecrets(config: unknown): FoundSecret[] {
  return findSecretsAt('', '', config);
}

function findSecretsAt(path: string, key: string, value: unknown): FoundSecret[] {
  const looksLike = findSecretValue(key, value);
  if (looksLike !== undefined) return [{ path, looksLike }];
  if (typeof value !== 'object' || value === null) return [];
  const below = path && `${path}.`;
  // An item of a list is held to the name of the list.
  if (Array.isArray(value))
    return value.flatMap((item, index) => findSecretsAt(`${below}${index}`, key, item));
  return Object.entries(value).flatMap(([name, item]) => {
    if (findSecret('', name) === undefined) return findSecretsAt(`${below}${name}`, name, item);
    // A secret in the place of a key is not repeated in the path of the message either.
    const place = `${below}…`;
    return [{ path: place, looksLike: 'a secret as the name of a key' }, ...findSecretsAt(place, name, item)];
  });
}

/** What a text or number under a key looks like; undefined: no secret. */
export function findSecretValue(key: string, value: unknown): string | undefined {
  if (typeof value === 'string') return findSecret(key, value);
  return typeof value === 'number' && isSecretKey(key) ? 'a secret' : undefined;
}

/** What a text under a key looks like; undefined: no secret. */
export function findSecret(key: string, text: string): string | undefined {
  if (secretReference.test(text) || text === '') return undefined;
  if (isSecretKey(key)) return 'a secret';
  return secretForms.find(({ pattern }) => pattern.test(text))?.looksLike ?? findRandomness(text);
}

/** In a line of a log, where quotes are written with a backslash: to the end of the word, of a PEM block to its end. */
const redactedForms = [
  /-----BEGIN [A-Z0-9 ]+-----[\s\S]*?(-----END [A-Z0-9 ]+-----|$)/g,
  ...secretForms
    .filter(({ isProse }) => !isProse)
    .map(({ pattern }) => new RegExp(`(?:${pattern.source})[^\\s"'\\\\<>]*`, `g${pattern.flags}`)),
  /(?<=(password|passwd|passphrase|pwd|secret|api[_-]?key|account ?key|shared ?access ?key)[\\"' ]{0,5}[:=][\\"' ]{0,5})[^\s"'$\\]{6,}/gi,
];

/** A text, such as a line of a log, without what looks like a secret by its form alone. */
export function redactSecrets(text: string): string {
  return redactedForms.reduce((rest, form) => rest.replace(form, '[secret]'), text);
}

function isSecretKey(key: string): boolean {
  return secretKey.test(key.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase());
}

/** How often a run of letters and digits turns to another kind before it looks random. */
const manyTurns = 5;

/** Addresses on the web and UUIDs have long runs, and are none. */
const ordinary = /https?:\/\/[^\s?#]+|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}/g;

const run = /[A-Za-z0-9+/_-]{16,}/g;

/** Between letters and digits, and to a capital that begins no word. */
const turn = /[A-Za-z](?=[0-9])|[0-9](?=[A-Za-z])|[a-z](?=[A-Z]($|[^a-z]|[a-z]($|[^a-z])))/g;

function findRandomness(text: string): string | undefined {
  const runs = text.replace(ordinary, ' ').match(run) ?? [];
  return runs.some((one) => (one.match(turn)?.length ?? 0) >= manyTurns) ? 'a random key' : undefined;
}
