import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'vitest';

test('the generated files are those that npm run codegen would write', async () => {
  const args = ['--import', 'tsx', 'codegen.ts', '--check'];
  await promisify(execFile)(process.execPath, args, { cwd: join(import.meta.dirname, '..') });
});
