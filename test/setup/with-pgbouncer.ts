import { describe } from 'vitest';
import { isPgBouncerInstalled } from './pgbouncer.js';

const isRequired = process.env.CI === 'true';

if (!isPgBouncerInstalled) {
  const advice = 'pgbouncer is not installed: install it (apt-get install pgbouncer)';
  if (isRequired) throw new Error(`${advice}; under CI=true these tests must run`);
  process.stderr.write(`\n!!! ${advice}; what needs a real PgBouncer is SKIPPED\n\n`);
}

/** Declares tests that need a real PgBouncer. */
export const describeWithPgBouncer = describe.skipIf(!isPgBouncerInstalled);
