/** What a run has shown, by kind of fault. */
import type { Allowed } from './faults.js';
import type { Seen } from './services.js';
import type { Changes } from './writers.js';

export interface Result {
  allowed: Allowed;
  times: number;
  /** Successful calls of the services with two URLs. */
  done: number;
  acknowledged: number;
  checked: number;
  /** Of these, rows that a service asked for after a suspension. */
  rows: number;
  errors: number;
  longestPauseMs: number;
  /** The longest promotion of a standby, which is the work of the operator's script. */
  promotionMs: number;
  /** The longest pause, without what was before a promotion had ended. */
  ownPauseMs: number;
  stale: number;
  wrong: number;
  lost: number;
  oldestMs: number;
}

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((all, one) => all + one, 0);
const longest = ({ longestPauseMs }: Seen) => Math.max(0, ...Object.values(longestPauseMs));

export const emptyResult = (allowed: Allowed): Result => ({
  ...{ allowed, times: 0, done: 0, acknowledged: 0, checked: 0, rows: 0, errors: 0, longestPauseMs: 0 },
  ...{ promotionMs: 0, ownPauseMs: 0 },
  ...{ stale: 0, wrong: 0, lost: 0, oldestMs: 0 },
});

export function add(
  result: Result,
  { judged, other }: { judged: Seen; other: Seen },
  changes: Changes,
  promotionMs: number,
): void {
  result.times++;
  result.done += judged.done;
  result.acknowledged += changes.acknowledged;
  result.checked += changes.checked;
  result.rows += changes.rows;
  result.errors += sum(judged.errors) - judged.wrong;
  result.longestPauseMs = Math.max(result.longestPauseMs, longest(judged));
  result.promotionMs = Math.max(result.promotionMs, promotionMs);
  result.ownPauseMs = Math.max(result.ownPauseMs, judged.ownPauseMs);
  result.wrong += judged.wrong + other.wrong;
  result.stale += changes.stale.length;
  result.lost += changes.lost.length;
  result.oldestMs = Math.max(result.oldestMs, changes.oldestMs);
}

/** What must not have been, and what must have been, in words. */
export function problemsOf(results: Readonly<Record<string, Result>>, longestPauseMs: number): string[] {
  const observed = Object.values(results);
  const total = (of: 'acknowledged' | 'checked' | 'rows') =>
    observed.reduce((all, result) => all + result[of], 0);
  return [
    ...Object.entries(results).flatMap(([name, result]) =>
      problemsOfFault(result, longestPauseMs).map((problem) => `${name}: ${problem}`),
    ),
    ...(total('acknowledged') === 0 ? ['no change was acknowledged in the whole run'] : []),
    ...(total('checked') === 0 ? ['no answer after a change was checked in the whole run'] : []),
    ...(total('rows') === 0 ? ['no rows were asked for after a suspension in the whole run'] : []),
  ];
}

function problemsOfFault(result: Result, longestPauseMs: number): string[] {
  const { allowed, done, acknowledged, checked, errors, stale, wrong, lost } = result;
  return [
    ...(stale > 0 ? [`${stale} stale answers`] : []),
    ...(wrong > 0 ? [`${wrong} wrong rows or routes`] : []),
    ...(lost > 0 ? [`${lost} acknowledged changes lost`] : []),
    ...(done === 0 ? ['no successful call of a service with two URLs'] : []),
    // The writers may wait for the end of an outage until the next fault has begun.
    ...(allowed !== 'outage' && acknowledged === 0 ? ['no change was acknowledged'] : []),
    ...(allowed !== 'outage' && checked === 0 ? ['no answer after a change was checked'] : []),
    ...(allowed === 'nothing' && errors > 0 ? [`${errors} errors of services with two URLs`] : []),
    ...(allowed !== 'outage' && result.ownPauseMs > longestPauseMs
      ? [`a pause of ${Math.round(result.ownPauseMs)} ms, more than ${longestPauseMs} ms`]
      : []),
  ];
}

/** The table of a run. */
export function tableOf(results: Readonly<Record<string, Result>>): string {
  const head = [
    'fault',
    'times',
    'calls',
    'changes',
    'checked',
    'of rows',
    'errors',
    'longest pause, ms',
    'promotion, ms',
    'stale',
    'wrong',
    'lost',
    'oldest answer, ms',
  ];
  const rows = Object.entries(results).map(([name, result]) => [
    name,
    ...[result.times, result.done, result.acknowledged, result.checked, result.rows].map(String),
    ...[result.errors, Math.round(result.longestPauseMs), Math.round(result.promotionMs)].map(String),
    ...[result.stale, result.wrong, result.lost, Math.round(result.oldestMs)].map(String),
  ]);
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ');
  return [head, ...rows].map(line).join('\n');
}
