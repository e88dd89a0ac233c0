import { isUtf8 } from 'node:buffer';
import { RegistryError } from '../../errors.js';

/**
 * Decodes the content of a text file. Throws VALIDATION_ERROR for bytes that are not valid UTF-8, which a decoder would
 * replace, and for NUL, at which PostgreSQL's protocol ends a statement.
 */
export function readUtf8(content: Buffer, file: string): string {
  if (isUtf16(content))
    throw new RegistryError(
      'VALIDATION_ERROR',
      `${file} is UTF-16: save it as UTF-8 (in Excel as "CSV UTF-8")`,
    );
  if (!isUtf8(content))
    throw new RegistryError(
      'VALIDATION_ERROR',
      `${file} is not valid UTF-8 in line ${findWrongLine(content)}; it may be Latin-1, as Windows programs save text: ` +
        'save it as UTF-8 (in Excel as "CSV UTF-8")',
    );
  if (content.includes(0))
    throw new RegistryError('VALIDATION_ERROR', `${file} holds the character NUL: remove it`);
  // Some editors begin a file with a byte order mark, which is no part of the text.
  return content.toString().replace(/^\uFEFF/, '');
}

/** By the byte order mark, which is not valid UTF-8 in either order. */
function isUtf16(content: Buffer): boolean {
  return content.length >= 2 && [0xfeff, 0xfffe].includes(content.readUInt16LE(0));
}

/** No byte of a longer character is a line feed, so each line can be checked by itself. */
function findWrongLine(content: Buffer): number {
  let line = 1;
  for (let start = 0; start < content.length; line++) {
    const end = content.indexOf('\n', start);
    if (end < 0 || !isUtf8(content.subarray(start, end))) return line;
    start = end + 1;
  }
  return line;
}
