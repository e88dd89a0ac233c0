import { expect, test } from 'vitest';
import { promiseSeed } from '../../../setup/seed.js';
import { sizeOf } from '../../../setup/size.js';
import { runRandomFiles } from '../../support/random-files.js';

const count = sizeOf({ usual: 400, full: 2_000 });

test(`no object outside the tenant’s schema is made or changed by any of ${count} random files that try`, {
  timeout: 600_000,
}, async () => {
  promiseSeed();
  const { files, undone } = await runRandomFiles(count);
  expect(undone).toBeGreaterThan(files / 5);
});
