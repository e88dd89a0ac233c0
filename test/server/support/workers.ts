import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import type { ServingProcess } from '../../setup/process.js';

export const two = ['--workers', '2'];

/** Process ids of the workers of a primary process. */
export const workersOf = async (pid: number): Promise<number[]> => {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'pid=,args=', '--ppid', String(pid)]);
  return stdout
    .split('\n')
    .filter((line) => line.includes('--workers'))
    .map((line) => Number.parseInt(line, 10));
};

export async function refusesConnections(gateway: ServingProcess): Promise<boolean> {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  try {
    await once(socket, 'connect');
    return false;
  } catch {
    return true;
  } finally {
    socket.destroy();
  }
}
