import type { Log } from '../log.js';
import type { KnownKey } from './api-key.js';

const dayMs = 86_400_000;

/** How long before the expiry of a key it counts as one that expires soon, in days. */
export const keyWarningDays = 14;

/** Whether the expiry of a key is so near that its owner should rotate it. */
export function expiresSoon(expiresAt: number | null, now: number): boolean {
  return expiresAt !== null && expiresAt > now && expiresAt - now <= keyWarningDays * dayMs;
}

/** The keys in use at this gateway that expire soon. Each gets a log line once a day. */
export class KeysInUse {
  readonly #log: Log;
  readonly #expiring = new Map<string, { expiresAt: number; warnedAt: number }>();

  constructor(log: Log) {
    this.#log = log;
  }

  used({ id, expiresAt }: KnownKey): void {
    const now = Date.now();
    if (expiresAt === null || !expiresSoon(expiresAt, now)) return void this.#expiring.delete(id);
    const known = this.#expiring.get(id);
    const isWarningDue = !known || now - known.warnedAt >= dayMs;
    this.#expiring.set(id, { expiresAt, warnedAt: isWarningDue ? now : known.warnedAt });
    if (isWarningDue)
      this.#log.warn(
        { keyId: id, expiresAt: new Date(expiresAt).toISOString() },
        'an API key in use expires soon: rotate it with rotateApiKey or "tenant-registry keys rotate"',
      );
  }

  get expiring(): number {
    const now = Date.now();
    for (const [id, { expiresAt }] of this.#expiring) if (expiresAt <= now) this.#expiring.delete(id);
    return this.#expiring.size;
  }
}
