import { isUtf8 } from 'node:buffer';
import { RegistryError } from '../errors.js';

/**
 * Decodes the content of a text file. Throws VALIDATION_ERROR for bytes that are not valid UTF-8, which a decoder would
 * replace, and for NUL, at which PostgreSQL's protocol ends a statement.
 */
export function readUtf8(content: Buffer, file: string): string {
  if (!isUtf8(content))
    throw new RegistryError('VALIDATION_ERROR', `${file} is not valid UTF-8: save it as UTF-8`);
  if (content.includes(0))
    throw new RegistryError('VALIDATION_ERROR', `${file} holds the character NUL: remove it`);
  // Some editors begin a file with a byte order mark, which is no part of the text.
  return content.toString().replace(/^\uFEFF/, '');
}
