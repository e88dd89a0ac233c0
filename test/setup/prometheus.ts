/** Prometheus and its tool for one test. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from './free-port.js';
import { awaitAnswer, spawnGuarded } from './guarded-process.js';

const isInstalled = ['promtool', 'prometheus'].every((name) => spawnSync(name, ['--version']).status === 0);

/** Tests with Prometheus are skipped where it is missing, but fail in CI. */
export const skipsPrometheus = !isInstalled && !process.env.CI;
if (skipsPrometheus)
  process.stderr.write(
    '\n>>> TESTS WITH PROMETHEUS ARE SKIPPED: it is missing (apt-get install prometheus) <<<\n\n',
  );

/** Runs promtool; returns everything that it writes, and how it ended. */
export function promtool(args: string[], input?: string): { status: number | null; output: string } {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  if (error) throw new Error('promtool is missing (apt-get install prometheus)', { cause: error });
  return { status, output: `${stdout}${stderr}` };
}

export interface Prometheus extends AsyncDisposable {
  url: string;
  /** Asks for the value of an expression now. Throws for an expression that is wrong. */
  query(expression: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]>;
}

/** Starts Prometheus with this configuration. */
export async function openPrometheus(configuration: string): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'tenant-registry-prometheus-'));
  const port = await findFreePort();
  const file = join(folder, 'prometheus.yml');
  await writeFile(file, configuration);
  const running = await spawnGuarded(
    [
      'prometheus',
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { folder },
  );
  const url = `http://127.0.0.1:${port}`;
  const close = async () => {
    await running.end('SIGTERM');
    await rm(folder, { recursive: true, force: true });
  };
  const isUp = () =>
    fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  await awaitAnswer(running, { name: 'prometheus', isUp, close });
  return {
    url,
    async query(expression) {
      const response = await fetch(`${url}/api/v1/query`, {
        method: 'POST',
        body: new URLSearchParams({ query: expression }),
      });
      const body = (await response.json()) as {
        status: string;
        error?: string;
        data?: { result: Awaited<ReturnType<Prometheus['query']>> };
      };
      if (body.status !== 'success' || !body.data) throw new Error(`${expression}: ${body.error}`);
      return body.data.result;
    },
    [Symbol.asyncDispose]: close,
  };
}
