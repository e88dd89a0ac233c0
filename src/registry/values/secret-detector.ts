/**
 * Detects values that look like secrets. A false alarm costs the user an extra reference; a missed secret stays in
 * backups, logs and replicas for ever. The database has the same rules as a second barrier (registry_find_secret), and
 * a test compares the two.
 */

/** The place of a secret and its kind, never its value. */
export interface FoundSecret {
  path: string;
  looksLike: string;
}

/** A reference to the environment variable that holds the secret where it is used. */
export const secretReference = /^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/;

/** Returns the prefix of the variables of a tenant's own secrets: "oil-and-gas" → "OIL_AND_GAS_". */
export function variablePrefix(slug: string): string {
  return `${slug.toUpperCase().replaceAll('-', '_')}_`;
}

const secretKey =
  /(^|[^a-z0-9])(secret|token|password|passwd|pwd|passphrase|credentials?|(api|anon|service|private|secret|access|auth|account|signing|encryption)[^a-z0-9]?key)$/;

/** The first match counts. PostgreSQL must read these patterns in the same way as JavaScript. */
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
    // Logs have a narrower pattern, because this one would match much of SQL and stack traces.
    isProse: true,
    pattern:
      /(password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|account ?key|shared ?access ?key)["']? *[:=] *["']?[^\s"'$]{6}/i,
  },
];

/**
 * Finds every place of a configuration with a value that looks like a secret. Paths have the form
 * "email.smtp.password".
 */
export function findSecrets(config: unknown): FoundSecret[] {
  return findSecretsAt('', '', config);
}

function findSecretsAt(path: string, key: string, value: unknown): FoundSecret[] {
  const looksLike = findSecretValue(key, value);
  if (looksLike !== undefined) return [{ path, looksLike }];
  if (typeof value !== 'object' || value === null) return [];
  const below = path && `${path}.`;
  // An item of a list is checked with the key of the list.
  if (Array.isArray(value))
    return value.flatMap((item, index) => findSecretsAt(`${below}${index}`, key, item));
  return Object.entries(value).flatMap(([name, item]) => {
    if (findSecret('', name) === undefined) return findSecretsAt(`${below}${name}`, name, item);
    // A secret that is used as a key must not be in the path of the message.
    const place = `${below}…`;
    return [{ path: place, looksLike: 'a secret as the name of a key' }, ...findSecretsAt(place, name, item)];
  });
}

/** Describes what a text or number under a key looks like; undefined when it is not a secret. */
export function findSecretValue(key: string, value: unknown): string | undefined {
  if (typeof value === 'string') return findSecret(key, value);
  return typeof value === 'number' && isSecretKey(key) ? 'a secret' : undefined;
}

/** Describes what a text under a key looks like; undefined when it is not a secret. */
export function findSecret(key: string, text: string): string | undefined {
  if (secretReference.test(text) || text === '') return undefined;
  if (isSecretKey(key)) return 'a secret';
  return findSecretForm(text) ?? findRandomness(text);
}

/** Describes the form of a secret in a text, such as the key of a known service; undefined when it has none. */
export function findSecretForm(text: string): string | undefined {
  return secretForms.find(({ pattern }) => pattern.test(text))?.looksLike;
}

/**
 * Patterns for lines of a log, in which quotes have a backslash. They match to the end of the word, or of the PEM
 * block.
 */
const redactedForms = [
  /-----BEGIN [A-Z0-9 ]+-----[\s\S]*?(-----END [A-Z0-9 ]+-----|$)/g,
  ...secretForms
    .filter(({ isProse }) => !isProse)
    .map(({ pattern }) => new RegExp(`(?:${pattern.source})[^\\s"'\\\\<>]*`, `g${pattern.flags}`)),
  // The id of an API key, "api-key:<uuid>", is no secret: operators look it up in the audit log.
  /(?<=(password|passwd|passphrase|pwd|secret|api[_-]?key|account ?key|shared ?access ?key)[\\"' ]{0,5}[:=][\\"' ]{0,5})(?!(?<=(?<![\w-])api-key:)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-]))[^\s"'$\\]{6,}/gi,
];

/** Replaces what looks like a secret by its form alone in a text, such as a line of a log. */
export function redactSecrets(text: string): string {
  return redactedForms.reduce((rest, form) => rest.replace(form, '[secret]'), text);
}

function isSecretKey(key: string): boolean {
  return secretKey.test(key.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase());
}

/** How many changes between letters and digits make a run of characters look random. */
const manyTurns = 5;

/** Lengths of 24 random bytes in base64 and of secret keys of AWS. A few of these have fewer turns, so fewer are enough at these lengths. */
const known = { lengths: [32, 40], manyTurns: 3 };

/** Web addresses and UUIDs have long runs of characters and are not secrets. */
const ordinary = /https?:\/\/[^\s?#]+|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}/g;

const run = /[A-Za-z0-9+/_-]{16,}/g;

/** A change between letters and digits or a plus sign, or to a capital letter that does not begin a word. */
const turn = /[A-Za-z](?=[0-9+])|[0-9+](?=[A-Za-z])|[a-z](?=[A-Z]($|[^a-z]|[a-z]($|[^a-z])))/g;

function findRandomness(text: string): string | undefined {
  const runs = text.replace(ordinary, ' ').match(run) ?? [];
  const isRandom = (one: string) =>
    (one.match(turn)?.length ?? 0) >= (known.lengths.includes(one.length) ? known.manyTurns : manyTurns);
  return runs.some(isRandom) ? 'a random key' : undefined;
}
