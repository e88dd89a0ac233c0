/** A lock between processes of one machine. It does not stay locked when its owner is killed. */
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

const pollMs = 50;
/** A build takes seconds. After this time the pid in the lock belongs to another process. */
const staleMs = 10 * 60_000;

/**
 * Waits until the lock is free and takes it.
 * @param {string} file
 * @returns {() => void} releases the lock
 */
export function acquireLock(file) {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${process.pid}\n`);
  try {
    while (!isLinked(draft, file)) {
      if (isStale(file)) removeStale(file);
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pollMs);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  return () => rmSync(file, { force: true });
}

/**
 * `link` refuses an existing name, and the new file is complete at once.
 * @param {string} draft
 * @param {string} file
 */
function isLinked(draft, file) {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** @param {string} file */
function isStale(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    // Our own pid in a lock that we do not hold is from a killed process of an earlier container.
    return pid === process.pid || !isAlive(pid) || Date.now() - statSync(file).mtimeMs > staleMs;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/**
 * Renames the lock and checks it again: between the first check and the renaming another process may have taken it.
 * @param {string} file
 */
function removeStale(file) {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if (!isStale(aside)) isLinked(aside, file);
  rmSync(aside, { force: true });
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
