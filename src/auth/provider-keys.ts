import { createLocalJWKSet, type JSONWebKeySet, type LocalJWKSet } from 'jose';
import type { IdentityProvider } from '../config.js';
import { messageOf, RegistryError } from '../errors.js';
import type { Log } from '../log.js';
import { isKeySource } from '../settings/setting-urls.js';

/** The public keys of the identity provider at one time. */
export interface ProviderKeys {
  /** Changes when the provider's keys do. */
  version: number;
  find: LocalJWKSet;
}

/** After this long the keys are read again in the background; after `mustReadMs`, before they are used. */
const mayReadMs = 30_000;
/** Bounds how long a key that left the provider's keys is accepted, together with the time of one read: 60 s. */
const mustReadMs = 50_000;
/** How long the last keys are used while the provider does not answer. A key that is not among them is refused. */
const outageMs = 600_000;
/** Shortest time between two reads for unknown keys, which anybody can invent, and after a failed read. */
const pauseMs = 5_000;
const timeoutMs = 3_000;
const maxLength = 1_000_000;

/** Reads and keeps the public keys of an identity provider (RFC 7517), found by its discovery document if need be. */
export class ProviderKeyStore {
  readonly #provider: Pick<IdentityProvider, 'issuer' | 'jwksUrl'>;
  readonly #log: Log;
  readonly #clock: () => number;
  #keys: (ProviderKeys & { text: string }) | undefined;
  #jwksUrl: string | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(options: {
    provider: Pick<IdentityProvider, 'issuer' | 'jwksUrl'>;
    log: Log;
    clock?: () => number;
  }) {
    this.#provider = options.provider;
    this.#log = options.log;
    this.#clock = options.clock ?? (() => performance.now());
  }

  /** The keys, at most 60 s old unless the provider does not answer. Throws REGISTRY_UNAVAILABLE without usable keys. */
  async current(): Promise<ProviderKeys> {
    const ageMs = this.#clock() - this.#readAt;
    if (ageMs > mayReadMs && (!this.#keys || this.#clock() - this.#triedAt > pauseMs)) {
      const read = this.#read();
      if (ageMs > mustReadMs) await read;
    } else if (ageMs > mustReadMs) await this.#reading;
    if (!this.#keys || this.#clock() - this.#readAt > outageMs) throw unreadable();
    return this.#keys;
  }

  /** Keys that are newer than these, for a token that none of these signed; undefined when there are none. */
  async newerThan({ version }: ProviderKeys): Promise<ProviderKeys | undefined> {
    if (this.#reading || this.#clock() - this.#triedAt > pauseMs) await this.#read();
    // The key may be new, which only the provider can tell.
    if (this.#triedAt > this.#readAt) throw unreadable();
    return this.#keys?.version === version ? undefined : this.#keys;
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readOnce(): Promise<void> {
    const startedAt = this.#clock();
    this.#triedAt = startedAt;
    let url = this.#provider.jwksUrl ?? this.#jwksUrl ?? discoveryUrl(this.#provider.issuer);
    try {
      if (this.#provider.jwksUrl === undefined && this.#jwksUrl === undefined)
        this.#jwksUrl = readDiscovery(await fetchText(url), this.#provider.issuer);
      url = this.#provider.jwksUrl ?? this.#jwksUrl ?? url;
      const text = await fetchText(url);
      if (text !== this.#keys?.text) {
        const find = createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
        this.#keys = { version: (this.#keys?.version ?? 0) + 1, find, text };
      }
      // The time of sending: the keys were the provider's at some moment after it.
      this.#readAt = startedAt;
    } catch (error) {
      this.#jwksUrl = undefined;
      // Only the log names the URL: it may hold a password, and callers have no use for it.
      this.#log.warn({ url, reason: messageOf(error) }, 'the identity provider’s keys cannot be read');
    }
  }
}

function unreadable(): RegistryError {
  return new RegistryError(
    'REGISTRY_UNAVAILABLE',
    'The identity provider’s keys cannot be read at the moment: repeat the request in a moment',
  );
}

/** The discovery document of an issuer (OpenID Connect Discovery 1.0, 4). */
function discoveryUrl(issuer: string): string {
  return `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`;
}

/** The URL of the keys in a discovery document. Another origin could be an attacker's, so it must be configured. */
function readDiscovery(text: string, issuer: string): string {
  const { issuer: stated, jwks_uri: url } = JSON.parse(text) as Record<string, unknown>;
  if (stated !== issuer) throw new Error(`the discovery document is of issuer ${JSON.stringify(stated)}`);
  if (typeof url !== 'string' || !isKeySource(url))
    throw new Error('the discovery document has no usable jwks_uri');
  if (new URL(url).origin !== new URL(issuer).origin)
    throw new Error(`jwks_uri ${url} has another origin than the issuer: set JWT_JWKS_URL to accept it`);
  return url;
}

async function fetchText(url: string): Promise<string> {
  // A redirect could lead to another origin.
  const response = await fetch(url, {
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
    headers: { accept: 'application/json' },
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`HTTP status ${response.status}`);
  }
  const text = await response.text();
  if (text.length > maxLength) throw new Error(`the answer has more than ${maxLength} characters`);
  return text;
}
