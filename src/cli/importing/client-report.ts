import type { RemovedTests } from '../../importing/yaml/test-folders.js';
import type { ClientAction, ClientEntry, YamlImportReport } from '../../importing/yaml/yaml-import.js';
import { oneLine } from '../terminal/printable.js';
import { visible } from '../terminal/table.js';

/** Result of an import of client.yaml files. */
export interface ClientReport extends YamlImportReport {
  counts: Record<ClientAction, number>;
  /** null without --remove-tests. */
  tests: RemovedTests | null;
}

const words: Record<ClientAction, { done: string; planned: string }> = {
  create: { done: 'created', planned: 'would be created' },
  update: { done: 'updated', planned: 'would be updated' },
  unchanged: { done: 'unchanged', planned: 'unchanged' },
  leaveAlone: { done: 'left unchanged', planned: 'would be left unchanged' },
  leaveOut: { done: 'skipped', planned: 'would be skipped' },
  fail: { done: 'failed', planned: 'would fail' },
};

/** Lines for the terminal. */
export function describeClients(report: ClientReport): string[] {
  const { done, clients, counts, tests } = report;
  const nameOf = (action: ClientAction) => words[action][done ? 'done' : 'planned'];
  // Clients that need no attention are only counted.
  const shown = clients.filter(
    ({ action, secrets, warnings }) => action !== 'unchanged' || secrets.length > 0 || warnings.length > 0,
  );
  const lines = shown.flatMap((entry) => describeClient(entry, nameOf(entry.action)));
  if (shown.length > 0) lines.push('');
  for (const id of tests?.removed ?? [])
    lines.push(`${visible(id)}: ${done ? 'deleted' : 'would be deleted'}`);
  for (const { id, why } of tests?.kept ?? []) lines.push(`${visible(id)}: not deleted: ${oneLine(why)}`);
  const counted = (Object.keys(words) as ClientAction[])
    .filter((action) => counts[action] > 0)
    .map((action) => `${counts[action]} ${nameOf(action)}`);
  lines.push(counted.length > 0 ? `${counted.join(', ')}.` : 'The folder contains no client.');
  return lines;
}

function describeClient(entry: ClientEntry, outcome: string): string[] {
  const { id, why, problems, warnings, secrets, unknownKeys, differences } = entry;
  return [
    `${visible(id)}: ${outcome}${why === null ? '' : `: ${oneLine(why)}`}`,
    ...problems.map(({ path, line, column, message }) => {
      const place = line === null ? '' : `line ${line}, column ${column}: `;
      return `    ${place}${path === null ? 'it' : visible(path)} ${oneLine(message)}`;
    }),
    ...warnings.map(({ path, message }) => `    ${visible(path ?? 'it')} ${oneLine(message)}`),
    ...secrets.map(({ path, line, reference, why: reason }) =>
      reference === null
        ? `    line ${line}: ${visible(path)} was left out: it ${reason}`
        : `    line ${line}: ${visible(path)} ${reason} and became ${reference}: set that variable`,
    ),
    ...unknownKeys.map((path) => `    ${visible(path)} is not a known key and was kept under extensions`),
    ...differences.map(
      ({ path, before, after }) =>
        `    ${visible(path)}: ${visible(JSON.stringify(before))} -> ${visible(JSON.stringify(after))}`,
    ),
  ];
}
