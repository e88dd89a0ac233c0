import { createHash } from 'node:crypto';

/** SHA-256 of an SQL script, in hexadecimal. */
export function checksumOf(script: string): string {
  return createHash('sha256').update(script).digest('hex');
}

/** The script with line feeds as line ends. */
export function withLineFeeds(script: string): string {
  return script.replaceAll('\r\n', '\n');
}

/** Compares a stored checksum without regard to line endings, as Prisma does: git rewrites them on some machines. */
export function hasChecksum(script: string, stored: string): boolean {
  const unix = withLineFeeds(script);
  return [script, unix, unix.replaceAll('\n', '\r\n')].some((form) => checksumOf(form) === stored);
}
