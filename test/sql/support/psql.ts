import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { describe } from 'vitest';

/** psql itself, as services and operators use it: what it says, and with which exit code it ends. */

const isInstalled = spawnSync('psql', ['--version']).status === 0;
const isRequired = process.env.CI === 'true';

if (!isInstalled) {
  const advice = 'psql is not installed: install it (apt-get install postgresql-client)';
  if (isRequired) throw new Error(`${advice}; under CI=true these tests must run`);
  process.stderr.write(`\n!!! ${advice}; what needs a real psql is SKIPPED\n\n`);
}

/** For tests that need a real psql. */
export const describeWithPsql = describe.skipIf(!isInstalled);

/** Each statement a `-c` of its own, rows without decoration; throws with what psql said when one fails. */
export async function psql(url: string, ...statements: string[]): Promise<string> {
  const args = [url, '-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1'];
  const { stdout } = await promisify(execFile)('psql', [
    ...args,
    ...statements.flatMap((sql) => ['-c', sql]),
  ]);
  return stdout.trim();
}
