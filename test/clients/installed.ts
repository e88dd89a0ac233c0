import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Whether the packages of this folder are not installed, so that its tests are skipped; under `CI=true` they fail instead. */
export const skips = !existsSync(join(import.meta.dirname, 'node_modules/relay-compiler')) && !process.env.CI;
if (skips)
  process.stderr.write(
    '\n>>> TESTS OF GRAPHQL CLIENTS AND FRAMEWORKS ARE SKIPPED: install them with "npm ci --prefix test/clients" <<<\n\n',
  );
