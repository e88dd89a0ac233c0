import { describe, expect, test } from 'vitest';
import { decideEdit } from '../../../src/importing/platform/edit-decision.js';
import { mergeEdits } from '../../../src/importing/platform/merge-edits.js';
import type { Source, SourceKind } from '../../../src/importing/platform/merge-fields.js';
import type { TakenMemory } from '../../../src/profile/taken/taken-memory.js';
import { digestOf } from '../../../src/profile/taken/taken-values.js';

/** The value that was last taken over is A. A side that says something else has edited it. */
function decide(table: string, yaml: string, registry: string, prefer?: SourceKind) {
  const side = (kind: 'table' | 'yaml', value: string) => ({
    ...{ label: kind, kind, value, hasChanged: value !== 'A' },
  });
  const sides = [side('table', table), side('yaml', yaml)];
  const decision = decideEdit({ stored: registry, isEdited: registry !== 'A', sides }, prefer);
  if (decision.outcome === 'take') return `take ${decision.value}`;
  if (decision.outcome === 'conflict')
    return decision.preferred ? `prefer ${decision.preferred.value}` : 'conflict';
  return decision.outcome;
}

describe('an edit since the last import', () => {
  test.each([
    // table, yaml, registry, without a preference, and with each
    ['A', 'A', 'A', 'keep', 'keep', 'keep', 'keep'],
    ['B', 'A', 'A', 'take B', 'take B', 'take B', 'take B'],
    ['A', 'B', 'A', 'take B', 'take B', 'take B', 'take B'],
    ['A', 'A', 'B', 'keep', 'keep', 'keep', 'keep'],
    ['B', 'B', 'A', 'take B', 'take B', 'take B', 'take B'],
    ['B', 'A', 'B', 'agree', 'agree', 'agree', 'agree'],
    ['B', 'B', 'B', 'agree', 'agree', 'agree', 'agree'],
    ['B', 'A', 'C', 'conflict', 'prefer B', 'conflict', 'prefer C'],
    ['A', 'B', 'C', 'conflict', 'conflict', 'prefer B', 'prefer C'],
    ['B', 'C', 'A', 'conflict', 'prefer B', 'prefer C', 'prefer A'],
    ['B', 'C', 'B', 'conflict', 'prefer B', 'prefer C', 'prefer B'],
    ['B', 'C', 'D', 'conflict', 'prefer B', 'prefer C', 'prefer D'],
  ])(
    'of table %s, file %s and registry %s: %s; preferring the table %s, the file %s, the registry %s',
    (table, yaml, registry, none, preferTable, preferYaml, preferRegistry) => {
      expect([
        decide(table, yaml, registry),
        decide(table, yaml, registry, 'table'),
        decide(table, yaml, registry, 'yaml'),
        decide(table, yaml, registry, 'registry'),
      ]).toEqual([none, preferTable, preferYaml, preferRegistry]);
    },
  );
});

describe('the fields of a tenant', () => {
  const digests = (values: Record<string, unknown>) =>
    Object.fromEntries(
      Object.entries(values).flatMap(([path, value]) => {
        const digest = digestOf(value);
        return digest === undefined ? [] : [[path, digest]];
      }),
    );
  const merge = (
    before: Record<string, unknown>,
    now: { table: Record<string, unknown>; registry?: Record<string, unknown>; unreadable?: string[] },
    prefer?: SourceKind,
  ) => {
    const memory: TakenMemory = { taken: digests(before), seen: { crm: digests(before) }, statusChanges: 0 };
    const values = new Map(Object.entries(now.table));
    const sources: Source[] = [
      { kind: 'table', label: 'crm', values, unreadable: new Set(now.unreadable) },
      { kind: 'registry', label: 'registry', values: new Map(Object.entries(now.registry ?? before)) },
    ];
    return mergeEdits(sources, memory, prefer);
  };

  test('an emptied cell empties the field, and one that always has a value keeps it', () => {
    const { values, conflicts } = merge({ shortName: 'AS', plan: 'PRO' }, { table: {} });
    expect(Object.fromEntries(values)).toEqual({ shortName: null, plan: 'PRO' });
    expect(conflicts).toEqual([]);
  });

  test('a value that is not accepted changes nothing, and is an edit once it is accepted', () => {
    const before = { timezone: 'Africa/Nairobi', website: 'https://a.example' };
    const broken = merge(before, { table: {}, unreadable: ['timezone', 'website'] });
    expect(Object.fromEntries(broken.values)).toEqual(before);
    expect(broken.seen).toEqual({ crm: digests(before) });
  });

  test('a key that was removed from the configuration is removed, and its neighbours are not', () => {
    const { values } = merge(
      { 'config.a.b': 1, 'config.a.c': 2 },
      { table: { 'config.a.c': 2 }, registry: { 'config.a.b': 1, 'config.a.c': 3 } },
    );
    expect([values.get('config.a.b'), values.has('config.a.b'), values.get('config.a.c')]).toEqual([
      ...[undefined, true, 3],
    ]);
  });

  test('the order of keys in a configuration is no edit', () => {
    const { values, kept } = merge(
      { 'config.list': [{ a: 1, b: 2 }] },
      { table: { 'config.list': [{ b: 2, a: 1 }] }, registry: { 'config.list': [{ b: 2, a: 1 }] } },
    );
    expect([values.get('config.list'), kept]).toEqual([[{ b: 2, a: 1 }], []]);
  });

  test('an edit of the registry stays an edit until the platform says the same', () => {
    const before = { name: 'A' };
    const first = merge(before, { table: { name: 'A' }, registry: { name: 'B' } });
    expect([first.kept, first.differences.map(({ path }) => path)]).toEqual([['name'], ['name']]);
    const later = merge(before, { table: { name: 'C' }, registry: { name: 'B' } });
    expect(later.conflicts).toEqual([
      {
        ...{ path: 'name', taken: null },
        values: [
          { source: 'crm', value: 'C' },
          { source: 'registry', value: 'B' },
        ],
      },
    ]);
    // The conflict is remembered as undecided.
    expect([later.kept, later.seen]).toEqual([['name'], { crm: digests(before) }]);
    expect(merge(before, { table: { name: 'B' }, registry: { name: 'B' } }).kept).toEqual([]);
  });
});
