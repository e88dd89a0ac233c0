/** What of a client.yaml is secret, and the reference that takes its place. Pure. */
import { findSecret, secretReference, variablePrefix } from '../../profile/secret-detector.js';
import { type Position, showPath } from './client-tree.js';

/** A secret that was found in a file; never what it is. */
export interface ReplacedSecret {
  path: string;
  line: number;
  /** What stands there now; null: it was left out. */
  reference: string | null;
  why: string;
}

/** Names of the standard keys that a tenant may have of its own, by where they stand. */
const ownNames: Readonly<Record<string, string>> = {
  'infrastructure.sendgrid.api_key': 'SENDGRID_API_KEY',
  'email.sendgrid.api_key': 'SENDGRID_API_KEY',
  'infrastructure.vapi.api_key': 'VAPI_API_KEY',
  'infrastructure.supabase.anon_key': 'SUPABASE_ANON_KEY',
  'infrastructure.supabase.url': 'SUPABASE_URL',
  'email.smtp.password': 'SMTP_PASSWORD',
};

/** Those that all tenants share. */
const sharedNames: Readonly<Record<string, string>> = {
  'infrastructure.openai.api_key': 'OPENAI_API_KEY',
};

/** In what no service knows the meaning of, these names are taken for secrets as well. */
const suspiciousKey =
  /(^|_)(pass|passcode|pass_phrase|pw|pin|passwords|secrets|tokens|(api|access|private|secret)_?keys|dsn|webhook(_url)?|connection_string)$/;

/** Whoever holds it may read all tenants' data: it stays out, as a reference too. */
const serviceKeyName = /^(supabase_?)?service_?(role_?)?key$/;
const serviceKeyReference = /\$\{?\w*SUPABASE_SERVICE_(ROLE_)?KEY/i;

export const serviceKey = 'the Supabase service key, which has no place here, not even as a reference';

export function isServiceKey(path: readonly string[]): boolean {
  const name = plainKey(path.at(-1) ?? '');
  return (
    serviceKeyName.test(name) && (/supabase|role/.test(name) || path.some((key) => /supabase/i.test(key)))
  );
}

/** "apiKey", "api-key" and "API.KEY" are api_key. */
function plainKey(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
}

/** Shorter ones are parts of ordinary words. */
const leastToRecognise = { whole: 6, within: 8 };

/**
 * Finds secrets and gives out references, for one file. The same secret in two places keeps one name when both are called so. What was
 * found to be a secret in one place is one everywhere.
 */
export class SecretReplacer {
  readonly found: ReplacedSecret[] = [];
  readonly #prefix: string;
  readonly #secrets = new Map<string, string>();
  readonly #known: readonly string[];

  /** References that stand in the file keep their meaning; `known` is what an earlier look found to be secret. */
  constructor(slug: string, taken: Iterable<string>, known: readonly string[] = []) {
    this.#prefix = variablePrefix(slug);
    for (const name of taken) this.#secrets.set(name, `\${${name}}`);
    this.#known = known;
  }

  /** Texts of secrets, to find them again elsewhere in the file; for nobody else. */
  get texts(): string[] {
    return [...this.#secrets.values()].filter((text) => !secretReference.test(text));
  }

  /** What a text under a key of a known meaning looks like; undefined: no secret. */
  find(key: string, text: string): string | undefined {
    if (serviceKeyReference.test(text)) return serviceKey;
    const isKnown = this.#known.some(
      (one) =>
        (text === one && one.length >= leastToRecognise.whole) ||
        (one.length >= leastToRecognise.within && text.includes(one)),
    );
    return findSecret(key, text) ?? (isKnown ? 'a secret that stands elsewhere in the file' : undefined);
  }

  /** The same for what has no meaning here, where it is better to be suspicious. */
  findBelow(keys: readonly string[], text: string): string | undefined {
    if (text === '' || (secretReference.test(text) && !serviceKeyReference.test(text))) return undefined;
    const isSuspicious = keys
      .map(plainKey)
      .some((key) => suspiciousKey.test(key) || findSecret(key, 'x') !== undefined);
    return isSuspicious ? 'a secret' : this.find(keys.at(-1) ?? '', text);
  }

  replace(path: readonly string[], at: Position, secret: { text: string; looksLike: string }): string {
    const name = this.#nameFor(path, secret.text);
    this.#secrets.set(name, secret.text);
    const reference = `\${${name}}`;
    this.found.push({
      path: showPath(path),
      line: at.line,
      reference,
      why: `looks like ${secret.looksLike}`,
    });
    return reference;
  }

  leaveOut(path: readonly string[], at: Position, why: string): void {
    this.found.push({ path: showPath(path), line: at.line, reference: null, why });
  }

  #nameFor(path: readonly string[], text: string): string {
    const place = path.join('.');
    const isFree = (name: string) => (this.#secrets.get(name) ?? text) === text;
    const shared = sharedNames[place];
    if (shared && isFree(shared)) return shared;
    const own = ownNames[place];
    if (own && isFree(this.#prefix + own)) return this.#prefix + own;
    const full = this.#prefix + path.map(variablePart).join('_');
    for (let number = 1; ; number++) {
      const name = number === 1 ? full : `${full}_${number}`;
      if (isFree(name)) return name;
    }
  }
}

function variablePart(key: string): string {
  // A key that is a secret itself was left out with all that is below it.
  return plainKey(key).replace(/^_|_$/g, '').slice(0, 40).toUpperCase() || 'KEY';
}
