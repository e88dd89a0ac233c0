import { expect, test } from 'vitest';
import { promiseSeed } from '../../../setup/seed.js';
import { runRandomFiles } from '../../support/random-files.js';

test('no object outside the tenant’s schema is made or changed by a random file that tries', {
  timeout: 120_000,
}, async () => {
  promiseSeed();
  const { files, undone } = await runRandomFiles(60);
  // Enough of them get as far as the check that they are meant for.
  expect(undone).toBeGreaterThan(files / 5);
});
