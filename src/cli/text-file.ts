import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { invalidField } from '../errors.js';
import { readUtf8 } from '../registry/values/utf8-file.js';

/** The text of a file that an option names; - is standard input. Throws VALIDATION_ERROR for a file that cannot be read, or is not UTF-8. */
export async function readTextFile(file: string, option: string): Promise<string> {
  const content = await (file === '-' ? buffer(process.stdin) : readFile(file)).catch(
    (error: NodeJS.ErrnoException) => {
      throw invalidField(option, `${file} cannot be read (${error.code})`);
    },
  );
  return readUtf8(content, `${option} ${file}`);
}
