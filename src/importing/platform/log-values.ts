/** Reads rows of an old log as attempts of provisioning that ended before the registry. Pure. */
import { createHash } from 'node:crypto';
import type { PastAttempt } from '../../provisioning/operations/run/past-attempt.js';
import { moduleName, plainText } from '../../registry/input.js';
import { redactSecrets } from '../../registry/values/secret-detector.js';
import { quote, readBy, readTime } from './cell-values.js';
import { type PlacedRow, problemOf, type RowProblem, readCell } from './table-shape.js';

const kinds: readonly [RegExp, PastAttempt['kind']][] = [
  [/unsubscri|deprovision|deactivat|drop|remov|delet/, 'REMOVE_STORAGE'],
  [/subscri|activat/, 'SUBSCRIBE_TENANT'],
  [/./, 'PROVISION_MODULE'],
];

const outcomes: readonly [RegExp, PastAttempt['status']][] = [
  [/^(succe|complet|done|ok$|active|provisioned|finished|true)/, 'SUCCEEDED'],
  [/^(cancel|abort|pend|run|start|progress|in[ _-]progress|queue)/, 'CANCELLED'],
  [/./, 'FAILED'],
];

/** Reads a row of a log; undefined for one without a module or a time. */
export function readAttempt(
  row: PlacedRow,
  now: Date,
  onProblem: (problem: RowProblem) => void,
): PastAttempt | undefined {
  const leaveOut = (column: string, why: string) =>
    void onProblem(problemOf(row, column, `${why}, so the row was left out`));
  const module = readCell('log', row, 'module');
  if (!module) return leaveOut('module', 'is empty');
  const readModule = readBy(moduleName, module.text.toLowerCase());
  if ('problem' in readModule) return leaveOut(module.column, `${quote(module.text)} ${readModule.problem}`);
  const created = readCell('log', row, 'created_at');
  if (!created) return leaveOut('created_at', 'is empty');
  const createdAt = readTime(created.text, now);
  if ('problem' in createdAt) return leaveOut(created.column, `${quote(created.text)} ${createdAt.problem}`);
  const finished = readCell('log', row, 'finished_at');
  const finishedAt = finished && readTime(finished.text, now);
  const error = readCell('log', row, 'error')?.text;
  const status = readCell('log', row, 'status')?.text.toLowerCase();
  const action = readCell('log', row, 'action')?.text ?? 'provision';
  const outcome = outcomes.find(([pattern]) =>
    pattern.test(status ?? (error === undefined ? 'ok' : 'failed')),
  );
  const kind = kinds.find(([pattern]) => pattern.test(action.toLowerCase()));
  return {
    key: keyOf(row),
    module: readModule.value,
    kind: kind?.[1] ?? 'PROVISION_MODULE',
    status: outcome?.[1] ?? 'FAILED',
    step: clean(action, 100) ?? 'provision',
    actor: clean(readCell('log', row, 'actor')?.text, 200),
    error: clean(error, 2_000),
    createdAt: createdAt.value,
    finishedAt:
      finishedAt && 'value' in finishedAt && finishedAt.value > createdAt.value
        ? finishedAt.value
        : createdAt.value,
  };
}

/** A row is the same in every import, whatever its place in the table. */
function keyOf(row: PlacedRow): string {
  const { ctid: _, ...cells } = row.cells;
  const content = JSON.stringify(Object.entries(cells).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(`${row.source}\n${content}`).digest('hex');
}

/** Text of a log for people: without secrets and control characters. */
function clean(cell: string | undefined, max: number): string | undefined {
  if (cell === undefined) return undefined;
  const short = [
    ...redactSecrets(cell)
      .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\u2028\u2029]+/gu, ' ')
      .trim(),
  ];
  const read = plainText(max).safeParse(short.slice(0, max).join(''));
  return read.success ? read.data : undefined;
}
