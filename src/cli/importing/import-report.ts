import type { ImportReport } from '../../importing/databases/database-import.js';
import type { TenantEntry } from '../../importing/databases/take-over.js';
import type { Action, ImportEntry } from '../../importing/databases/take-over-plan.js';
import type { ProfileAction } from '../../importing/platform/profile-plan.js';
import type { RowProblem } from '../../importing/platform/table-shape.js';
import { oneLine } from '../terminal/printable.js';
import { type Column, renderTable, visible } from '../terminal/table.js';

const columns: Column<ImportEntry>[] = [
  {
    title: 'TENANT',
    read: ({ tenantId, action }) => tenantId ?? (action === 'register' ? 'new' : null),
    least: 9,
  },
  { title: 'SLUG', read: ({ slug }) => slug, least: 8 },
  { title: 'NAME', read: ({ name }) => name, least: 6 },
  { title: 'MODULE', read: ({ module }) => module, least: 6 },
  { title: 'SCHEMA', read: ({ schema }) => schema, least: 10 },
  { title: 'DATABASE', read: ({ database }) => database, least: 6 },
  { title: 'ID FROM', read: ({ idFrom }) => idFrom, least: 6 },
];

const pastTense: Partial<Record<Action, string>> = { register: 'registered', subscribe: 'subscribed' };

/** Lines for the terminal. */
export function describeImport(report: ImportReport): string[] {
  const { done, entries, tenants, problems, tables, skipped } = report;
  const lines: string[] = [];
  const nameOf = (action: Action) => (done && pastTense[action]) || action;
  const outcome: Column<ImportEntry> = { title: 'ACTION', read: ({ action }) => nameOf(action), least: 10 };
  if (entries.length > 0) {
    const [title = '', ...rows] = renderTable(entries, [...columns, outcome], process.stdout.columns);
    lines.push(title);
    for (const [index, row] of rows.entries()) {
      lines.push(row);
      const why = entries[index]?.why;
      if (why) lines.push(`    ${oneLine(why)}`);
    }
    lines.push('');
  }
  const shown = tenants.filter(isShown);
  lines.push(...shown.flatMap((tenant) => describeTenant(tenant, done)));
  lines.push(...problems.map(describeProblem));
  if (shown.length + problems.length > 0) lines.push('');
  for (const { table, database, renamedTo, problem } of tables)
    lines.push(
      oneLine(
        `Table ${table} in ${database}: ${problem ?? (renamedTo ? `renamed to ${renamedTo}` : 'read')}`,
      ),
    );
  for (const { module, why } of skipped) lines.push(oneLine(`Module ${module} was skipped: ${why}`));
  const counts = (['register', 'subscribe', 'unchanged', 'ambiguous', 'conflict'] as const)
    .map((action) => ({ action, count: entries.filter((entry) => entry.action === action).length }))
    .filter(({ count }) => count > 0)
    .map(({ action, count }) => `${count} ${nameOf(action)}`);
  lines.push(`${countChanges(report)} changes.`);
  if (tenants.length > 0) lines.push(`Profiles: ${countProfiles(tenants, done)}.`);
  lines.push(counts.length > 0 ? `${counts.join(', ')}.` : 'Nothing was found.');
  return lines;
}

/** How many tenants, storages and tables a run has changed, or would change. */
function countChanges({ entries, tenants, tables }: ImportReport): number {
  const storage = entries.filter(({ action }) => action === 'register' || action === 'subscribe').length;
  const profiles = tenants.filter(({ action }) => action === 'create' || action === 'update').length;
  return storage + profiles + tables.filter(({ renamedTo }) => renamedTo !== null).length;
}

const outcomes: Record<ProfileAction, { done: string; planned: string }> = {
  create: { done: 'created', planned: 'would be created' },
  update: { done: 'updated', planned: 'would be updated' },
  unchanged: { done: 'unchanged', planned: 'unchanged' },
  refuse: { done: 'refused', planned: 'would be refused' },
};

function countProfiles(tenants: readonly TenantEntry[], done: boolean): string {
  return (Object.keys(outcomes) as ProfileAction[])
    .map((action) => ({ action, count: tenants.filter((tenant) => tenant.action === action).length }))
    .filter(({ count }) => count > 0)
    .map(({ action, count }) => `${count} ${outcomes[action][done ? 'done' : 'planned']}`)
    .join(', ');
}

/** Tenants that need no attention are only counted. */
function isShown({
  action,
  conflicts,
  differences,
  problems,
  secrets,
  unknownKeys,
  invitations,
  externalIds,
}: TenantEntry): boolean {
  const told = [conflicts, differences, problems, secrets, unknownKeys, invitations, externalIds];
  return action === 'refuse' || action === 'update' || told.some(({ length }) => length > 0);
}

function describeTenant(tenant: TenantEntry, done: boolean): string[] {
  const { slug, action, why, externalIds, members, attempts } = tenant;
  const parts = [
    ...(externalIds.length > 0 ? [`also known as ${externalIds.map(visible).join(', ')}`] : []),
    ...(members > 0 ? [`${members} members`] : []),
    ...(attempts > 0 ? [`${attempts} entries of the log`] : []),
  ];
  return [
    `${visible(slug ?? 'a tenant without a slug')}: ${outcomes[action][done ? 'done' : 'planned']}${parts.length > 0 ? `, ${parts.join(', ')}` : ''}${why === null ? '' : `: ${oneLine(why)}`}`,
    ...tenant.conflicts.map(
      ({ path, values, taken }) =>
        `    ${visible(path)} is ${values.map(({ source, value }) => `${show(value)} in ${visible(source)}`).join(', ')}${taken === null ? '' : `: ${visible(taken)} counts`}`,
    ),
    ...tenant.differences.map(
      ({ path, values, why: reason }) =>
        `    ${visible(path)} is ${values.map(({ source, value }) => `${show(value)} in ${visible(source)}`).join(', ')}: it ${reason}`,
    ),
    ...(action === 'update'
      ? tenant.changes.map(
          ({ path, before, after }) => `    ${visible(path)}: ${show(before)} -> ${show(after)}`,
        )
      : []),
    ...tenant.problems.map((problem) => `    ${describeProblem(problem)}`),
    ...tenant.secrets.map(({ path, reference, why: reason, source }) =>
      reference === null
        ? `    ${visible(path)} in ${visible(source)} was left out: it ${reason}`
        : `    ${visible(path)} in ${visible(source)} ${reason} and became ${reference}: set that variable`,
    ),
    ...tenant.unknownKeys.map(
      (path) => `    ${visible(path)} is not a known key and was kept under extensions`,
    ),
    ...tenant.invitations.map(
      ({ email, token, expiresAt }) =>
        `    ${visible(email)} ${token === null ? 'would be invited again' : `is invited with ${token}`}, until ${expiresAt}`,
    ),
  ];
}

function describeProblem({ source, place, column, message }: RowProblem): string {
  return `${visible(source)}, ${visible(place)}: ${visible(column)} ${oneLine(message)}`;
}

function show(value: unknown): string {
  return visible(JSON.stringify(value) ?? 'null');
}
