import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Below the ephemeral ports, from which an outgoing connection could take the port while its server is stopped. */
const [lowest, highest] = [20_000, 29_999];

const fileOf = (port: number) => join(tmpdir(), `tenant-registry-port-${port}`);
const reserved = new Set<number>();
process.once('exit', () => {
  for (const port of reserved) rmSync(fileOf(port), { force: true });
});

/**
 * A free port on 127.0.0.1, for a server that is stopped and started again on it. Until this process ends, no other test gets it:
 * between the choice of a port and the start of its server a busy machine may take a while.
 */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest + 1));
    if (reserve(port) && (await isFree(port))) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen(port, '127.0.0.1');
    await once(probe, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    await new Promise((closed) => probe.close(closed));
  }
}

/** Whether this process has the port now; false also when it was left by a process that has ended. */
function reserve(port: number): boolean {
  try {
    writeFileSync(fileOf(port), `${process.pid}`, { flag: 'wx' });
    reserved.add(port);
    return true;
  } catch {
    if (!isReserved(port)) rmSync(fileOf(port), { force: true });
    return false;
  }
}

function isReserved(port: number): boolean {
  try {
    process.kill(Number(readFileSync(fileOf(port), 'utf8')), 0);
    return true;
  } catch (error) {
    // A process of another user lives as well.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
