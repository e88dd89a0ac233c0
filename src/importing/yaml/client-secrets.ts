/** Finds the secrets of a client.yaml, and the references that replace them. Pure. */

import {
  findReferenceProblem,
  hasDefault,
  type ReferenceScope,
} from '../../profile/config/secret-reference.js';
import { findSecret, secretReference, variablePrefix } from '../../registry/values/secret-detector.js';
import { type Position, showPath } from './client-tree.js';

/** A secret that was found in a file, without its value. */
export interface ReplacedSecret {
  path: string;
  line: number;
  /** The reference that replaced it; null when it was left out. */
  reference: string | null;
  why: string;
}

/** Variable names of standard keys that a tenant has for itself, by their place. The tenant's prefix is added. */
const ownNames: Readonly<Record<string, string>> = {
  'infrastructure.sendgrid.api_key': 'SENDGRID_API_KEY',
  'email.sendgrid.api_key': 'SENDGRID_API_KEY',
  'infrastructure.vapi.api_key': 'VAPI_API_KEY',
  'infrastructure.supabase.anon_key': 'SUPABASE_ANON_KEY',
  'infrastructure.supabase.url': 'SUPABASE_URL',
  'email.smtp.password': 'SMTP_PASSWORD',
};

/** Variable names of keys that all tenants share. */
const sharedNames: Readonly<Record<string, string>> = {
  'infrastructure.openai.api_key': 'OPENAI_API_KEY',
};

/** In unknown parts of a file, keys of these names also count as secrets. */
const suspiciousKey =
  /(^|_)(pass|passcode|pass_phrase|pw|pin|passwords|secrets|tokens|(api|access|private|secret)_?keys|dsn|webhook(_url)?|connection_string)$/;

/** The service key gives access to all tenants' data, so even a reference to it is left out. */
const serviceKeyName = /^(supabase_?)?service_?(role_?)?key$/;
const serviceKeyReference = /\$\{?\w*SUPABASE_SERVICE_(ROLE_)?KEY/i;

export const serviceKey = 'the Supabase service key, which has no place here, not even as a reference';

/** The text of the finding. It does not repeat the reference, which may be a secret in braces. */
const foreignReference = 'a reference to a variable that does not belong to this tenant';

const referenceWithDefault = `a reference with a default, as in \${NAME:-value}, which no service replaces: write \${NAME} alone and set the variable`;

export function isServiceKey(path: readonly string[]): boolean {
  const name = plainKey(path.at(-1) ?? '');
  return (
    serviceKeyName.test(name) && (/supabase|role/.test(name) || path.some((key) => /supabase/i.test(key)))
  );
}

/** Normalises a key: "apiKey", "api-key" and "API.KEY" become api_key. */
function plainKey(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
}

/** Minimum length at which a known secret is recognised again. Shorter texts are parts of ordinary words. */
const minRecognisedLength = { whole: 6, within: 8 };

/**
 * Finds the secrets of one file and issues references for them. The same secret in two places gets one variable if both
 * places suggest the same name. A text that is a secret in one place is a secret everywhere.
 */
export class SecretReplacer {
  readonly found: ReplacedSecret[] = [];
  readonly #scope: ReferenceScope;
  readonly #prefix: string;
  readonly #secrets = new Map<string, string>();
  readonly #known: readonly string[];

  /** `taken` are the variables that the file already refers to; `known` are the secrets that an earlier pass found. */
  constructor(scope: ReferenceScope, taken: Iterable<string>, known: readonly string[] = []) {
    this.#scope = scope;
    this.#prefix = variablePrefix(scope.slug);
    for (const name of taken) this.#secrets.set(name, `\${${name}}`);
    this.#known = known;
  }

  /** The texts of the found secrets, only for a second pass over the same file. */
  get texts(): string[] {
    return [...this.#secrets.values()].filter((text) => !secretReference.test(text));
  }

  /** Describes what a text under a known key looks like; undefined when it is not a secret. */
  find(key: string, text: string): string | undefined {
    if (serviceKeyReference.test(text)) return serviceKey;
    const isKnown = this.#known.some(
      (one) =>
        (text === one && one.length >= minRecognisedLength.whole) ||
        (one.length >= minRecognisedLength.within && text.includes(one)),
    );
    return findSecret(key, text) ?? (isKnown ? 'a secret that is elsewhere in the file' : undefined);
  }

  /** Describes a text that refers to a variable which the tenant must not read; undefined for all other texts. */
  findReference(path: readonly string[], text: string): string | undefined {
    if (serviceKeyReference.test(text)) return serviceKey;
    if (findReferenceProblem(text, path.join('.'), this.#scope) === undefined) return undefined;
    return hasDefault(text) ? referenceWithDefault : foreignReference;
  }

  /** The same check for unknown keys, which is stricter. */
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
  // A key that looks like a secret was already left out together with its values.
  return plainKey(key).replace(/^_|_$/g, '').slice(0, 40).toUpperCase() || 'KEY';
}
