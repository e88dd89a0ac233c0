/**
 * `npx tsx bench/route-memory.ts [--sizes 1000,200000,1000000]`: heap that a gateway takes for each route in its memory, and
 * the time of a resolution from there. Exit code 1: a route takes more than 300 bytes.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import type { HeldRoutes } from './route-memory/holder.js';

const { values: given } = parseArgs({
  options: { sizes: { type: 'string', default: '1000,200000,1000000' } },
});
const goalBytes = 300;
const say = (line: string) => void process.stdout.write(`${line}\n`);

/** Each size in a process of its own. */
async function hold(size: number): Promise<HeldRoutes> {
  const child = fork(new URL('route-memory/holder.ts', import.meta.url), [String(size)], {
    execArgv: ['--import', 'tsx', '--expose-gc', '--max-old-space-size=4096'],
  });
  const [held] = (await once(child, 'message')) as [HeldRoutes];
  await once(child, 'exit');
  return held;
}

for (const size of given.sizes.split(',').map(Number)) {
  const { bytesEach, residentBytes, warmNs } = await hold(size);
  if (bytesEach > goalBytes) process.exitCode = 1;
  say(
    `${String(size).padStart(9)} routes: ${bytesEach.toFixed(0)} bytes each of the heap; ` +
      `${(residentBytes / 1e6).toFixed(0)} MB more resident; ${warmNs.toFixed(0)} ns of CPU time to resolve one`,
  );
}
