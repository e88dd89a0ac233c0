/** A lock between processes of one machine that a killed owner does not keep. */
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

const pollMs = 50;
/** A build takes seconds; after this long the owner's number belongs to some other process. */
const staleMs = 10 * 60_000;

/**
 * Waits until the lock is free and takes it.
 * @param {string} file
 * @returns {() => void} gives it back
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
 * `link` refuses a name that is taken, and what it makes is whole at once.
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
    // Our own number in a lock we don't hold: a killed process of an earlier container.
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
 * Aside first, and looked at again: between the look and the move another process may have taken the lock anew.
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
