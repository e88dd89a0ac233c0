import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * `npx tsx bench/hostile-database.ts`: plants code of a service in a service database, in every way of
 * test/provisioning/support/planted-code.ts, lets the registry do everything that it does there, as a superuser and as a role
 * without superuser, and prints how often that code ran with the rights of another role. TEST_DATABASE_URL chooses another server
 * than the embedded one, such as a PostgreSQL 15.
 */
const file = 'test/provisioning/fence/planted-code.test.ts';
const folder = await mkdtemp(join(tmpdir(), 'hostile-database-'));

interface Report {
  testResults: {
    assertionResults: { status: string; fullName: string; meta?: { acts?: number; ran?: string[] } }[];
  }[];
}

try {
  const output = join(folder, 'report.json');
  const tests = spawn('npx', ['vitest', 'run', file, '--reporter=json', `--outputFile=${output}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await new Promise((resolve) => tests.on('close', resolve));
  const report = JSON.parse(await readFile(output, 'utf8')) as Report;
  const cases = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  let attempts = 0;
  let ran = 0;
  for (const { fullName, status, meta } of cases) {
    attempts += meta?.acts ?? 1;
    ran += meta?.ran?.length ?? 0;
    if (status !== 'passed') process.stdout.write(`${fullName}: ${status} ${meta?.ran?.join(', ') ?? ''}\n`);
  }
  const failed = cases.filter(({ status }) => status !== 'passed').length;
  process.stdout.write(
    `${cases.length} plants, ${attempts} attempts: planted code ran ${ran} times, ${failed} plants failed\n`,
  );
  process.exitCode = failed > 0 || cases.length === 0 ? 1 : 0;
} finally {
  await rm(folder, { recursive: true });
}
