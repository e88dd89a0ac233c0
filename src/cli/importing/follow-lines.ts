/** What a run of `import databases --follow` has to tell: each change once, and each state when it is new. */
import type { ImportReport } from '../../importing/databases/database-import.js';
import { oneLine } from '../terminal/printable.js';
import { visible } from '../terminal/table.js';

type Kind = 'registered' | 'created' | 'changed' | 'invited' | 'conflict' | 'refused' | 'differs' | 'problem';

export interface FollowEvent {
  kind: Kind;
  tenant: string | null;
  /** The field, column or schema. */
  path?: string;
  before?: unknown;
  after?: unknown;
  values?: { source: string; value: unknown }[];
  /** The source that counts in a conflict; null while none does. */
  taken?: string | null;
  token?: string | null;
  why?: string | null;
}

/** Keeps what was told about the last run, so that a conflict or a defect is told once. */
export class FollowEvents {
  #told = new Set<string>();

  /** The events of a run that were not told before. */
  read(report: ImportReport): FollowEvent[] {
    const states = statesOf(report);
    const fresh = states.filter((state) => !this.#told.has(JSON.stringify(state)));
    this.#told = new Set(states.map((state) => JSON.stringify(state)));
    return [...changesOf(report), ...fresh];
  }
}

function changesOf({ entries, tenants }: ImportReport): FollowEvent[] {
  const storage = entries
    .filter(
      ({ action, schema, database }) => /register|subscribe/.test(action) && (schema ?? database) !== null,
    )
    .map(({ slug, schema, database }): FollowEvent => {
      return { kind: 'registered', tenant: slug, path: schema ?? database ?? '' };
    });
  const profiles = tenants.flatMap(({ slug: tenant, action, changes, invitations }): FollowEvent[] => {
    if (action !== 'create' && action !== 'update') return [];
    return [
      ...(action === 'create' ? [{ kind: 'created' as const, tenant }] : []),
      ...changes.map((change) => ({ kind: 'changed' as const, tenant, ...change })),
      ...invitations.map(({ email, token }) => ({ kind: 'invited' as const, tenant, path: email, token })),
    ];
  });
  return [...storage, ...profiles];
}

function statesOf({ entries, tenants, problems, tables }: ImportReport): FollowEvent[] {
  const told = new Set(tenants.map(({ slug, why }) => `${slug} ${why}`));
  return [
    ...tenants.flatMap(
      ({ slug: tenant, action, why, conflicts, differences, problems: own }): FollowEvent[] => [
        ...conflicts.map((conflict) => ({ kind: 'conflict' as const, tenant, ...conflict })),
        ...differences.map((difference) => ({ kind: 'differs' as const, tenant, ...difference })),
        ...(action === 'refuse' && conflicts.length === 0 ? [{ kind: 'refused' as const, tenant, why }] : []),
        ...own.map((problem) => problemEvent(tenant, problem)),
      ],
    ),
    ...entries
      .filter(
        ({ action, slug, why }) =>
          (action === 'conflict' || action === 'ambiguous') && !told.has(`${slug} ${why}`),
      )
      .map(
        ({ slug, schema, why }): FollowEvent => ({ kind: 'refused', tenant: slug, path: schema ?? '', why }),
      ),
    ...problems.map((problem) => problemEvent(null, problem)),
    ...tables
      .filter(({ problem }) => problem !== null)
      .map(({ table, database, problem }): FollowEvent => {
        return { kind: 'problem', tenant: null, path: `${table} in ${database}`, why: problem };
      }),
  ];
}

function problemEvent(
  tenant: string | null,
  { source, place, column, message }: ImportReport['problems'][number],
): FollowEvent {
  // The place of a row without an id changes with each edit of the row.
  const named = /^row \(/.test(place) ? '' : `${place}, `;
  return { kind: 'problem', tenant, path: `${source}, ${named}${column}`, why: message };
}

/** A line for the terminal. */
export function describeEvent(event: FollowEvent): string {
  const { kind, tenant, path = '', before, after, values = [], taken, token, why } = event;
  const said = values.map(({ source, value }) => `${show(value)} in ${visible(source)}`).join(', ');
  const text: Record<Kind, string> = {
    registered: `${visible(path)} was registered`,
    created: 'was created',
    changed: `${visible(path)}: ${show(before)} -> ${show(after)}`,
    invited: `${visible(path)} is invited with ${token}`,
    conflict: `${visible(path)} is ${said}: ${taken ? `${visible(taken)} counts` : 'choose one with --prefer'}`,
    differs: `${visible(path)} is ${said}: it ${why}`,
    refused: `${path === '' ? '' : `${visible(path)}: `}was not taken over: ${oneLine(why ?? '')}`,
    problem: `${visible(path)} ${oneLine(why ?? '')}`,
  };
  return `${tenant === null ? '' : `${visible(tenant)}: `}${text[kind]}`;
}

function show(value: unknown): string {
  return visible(JSON.stringify(value) ?? 'null');
}
