import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { build } from '../../../bin/build.js';

/** A gateway process that the test kills during an operation. */
export interface GatewayProcess {
  /** Sends a request without waiting for the answer, which the kill prevents. */
  ask(query: string, variables: object): void;
  kill(): Promise<void>;
}

const root = new URL('../../..', import.meta.url).pathname;

export async function startGateway(settings: Record<string, string>, key: string): Promise<GatewayProcess> {
  if (!build(['server'])) throw new Error('the server does not compile');
  const child = spawn(process.execPath, ['dist/bundle/main.js', 'serve'], {
    cwd: root,
    env: { PATH: process.env.PATH, PORT: '0', ...settings },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const url = await urlFrom(child);
  return {
    ask(query, variables) {
      fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
        body: JSON.stringify({ query, variables }),
      }).catch(() => undefined);
    },
    async kill() {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Reads the URL from its log. */
async function urlFrom(child: ChildProcess): Promise<string> {
  const said: string[] = [];
  if (child.stderr)
    for await (const line of createInterface({ input: child.stderr })) {
      said.push(line);
      const url = /"url":"(http[^"]+)"/.exec(line)?.[1];
      if (url) return url;
    }
  throw new Error(`the gateway did not start:\n${said.join('\n')}`);
}
