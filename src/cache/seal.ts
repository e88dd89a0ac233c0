import { createHmac, timingSafeEqual } from 'node:crypto';

/** Signs and verifies the entries of one registry. The key is not stored where the entries are. */
export interface Seal {
  sign(epoch: string, text: string): string;
  isAuthentic(epoch: string, text: string, signature: string): boolean;
}

/** HMAC-SHA256 with a key derived from the secret and the epoch, so that each history has its own key. */
export function createSeal(secret: Uint8Array): Seal {
  let last: { epoch: string; key: Buffer } | undefined;
  const digest = (epoch: string, text: string) => {
    if (last?.epoch !== epoch)
      last = { epoch, key: createHmac('sha256', secret).update(`cache entries of ${epoch}`).digest() };
    return createHmac('sha256', last.key).update(text).digest();
  };
  return {
    sign: (epoch, text) => digest(epoch, text).toString('base64url'),
    isAuthentic(epoch, text, signature) {
      const given = Buffer.from(signature, 'base64url');
      const expected = digest(epoch, text);
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}
