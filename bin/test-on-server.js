/** `npm run test:pg -- <url>` runs all tests on this PostgreSQL, as its superuser, instead of the embedded one. */
import { build } from './build.js';

const [url, ...rest] = process.argv.slice(2);
if (!url || !/^postgres(ql)?:\/\//.test(url)) {
  process.stderr.write(
    'Give the URL of the server: npm run test:pg -- postgresql://postgres:password@localhost:5432/postgres\n',
  );
  process.exit(1);
}
if (!build()) process.exit(1);
process.env.TEST_DATABASE_URL = url;
process.argv.splice(2, Number.POSITIVE_INFINITY, 'run', ...rest);
await import(new URL('../node_modules/vitest/vitest.mjs', import.meta.url).href);
