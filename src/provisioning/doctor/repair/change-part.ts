import { escapeLiteral } from 'pg';
import { identifier } from '../../../database/identifier.js';
import type { Difference } from '../structure/compare-structure.js';
import { type Fact, type Part, textOf } from '../structure/part.js';
import { createPart } from './create-part.js';
import { dropPart } from './drop-part.js';
import { inSchema, ManualRepair, type RepairedSchema, sequenceSql, textIn } from './part-sql.js';

interface Both {
  expected: Part;
  found: Part;
  changed: readonly string[];
}

type Change = (both: Both, schema: RepairedSchema) => string[];

/** How a part of each kind that differs is made as the files do. Kinds without an entry are dropped and made again: they hold no data. */
const changes: Record<string, Change> = {
  table: changeTable,
  column: changeColumn,
  sequence: changeSequence,
  type: changeType,
  // Replaced in place, so that what depends on them and who may use them stays.
  function: ({ expected }) => [textIn(expected, 'definition')],
  procedure: ({ expected }) => [textIn(expected, 'definition')],
  view: ({ expected }, schema) => [
    `CREATE OR REPLACE VIEW ${inSchema(schema, expected.name)}${optionsSql(expected.facts.options)} AS ${textIn(expected, 'definition').replace(/;\s*$/, '')}`,
  ],
  attribute: () => {
    throw new ManualRepair('the type of an attribute is changed by hand, with ALTER TYPE … ALTER ATTRIBUTE');
  },
  aggregate: () => {
    throw new ManualRepair('an aggregate is made by hand, with the statements of the module’s files');
  },
};

/** Throws ManualRepair for what could lose data. */
export function changePart({ expected, found, changed }: Difference, schema: RepairedSchema): string[] {
  if (!expected || !found) throw new Error('only a part that exists can be changed');
  const change = changes[expected.kind];
  if (change) return change({ expected, found, changed }, schema);
  return [...dropPart(found, schema), ...createPart(expected, schema)];
}

function optionsSql(options: Fact | undefined): string {
  return options === undefined || options === '' ? '' : ` WITH (${textOf(options)})`;
}

const tableFacts: Record<string, (both: Both) => string[]> = {
  options: ({ expected, found }) => {
    const [wanted, present] = [expected, found].map(({ facts }) => namesOf(facts.options));
    const beyond = (present ?? []).filter((option) => !(wanted ?? []).includes(option));
    return [
      ...(beyond.length > 0 ? [`RESET (${beyond.map((option) => option.split('=')[0]).join(', ')})`] : []),
      ...(wanted && wanted.length > 0 ? [`SET (${wanted.join(', ')})`] : []),
    ];
  },
  persistence: ({ expected }) => [expected.facts.persistence === undefined ? 'SET LOGGED' : 'SET UNLOGGED'],
  rowSecurity: ({ expected }) => [
    `${expected.facts.rowSecurity === undefined ? 'DISABLE' : 'ENABLE'} ROW LEVEL SECURITY`,
  ],
  forcedRowSecurity: ({ expected }) => [
    `${expected.facts.forcedRowSecurity === undefined ? 'NO FORCE' : 'FORCE'} ROW LEVEL SECURITY`,
  ],
  replicaIdentity: ({ expected: { facts } }) => [
    `REPLICA IDENTITY ${facts.replicaIdentity === undefined ? 'DEFAULT' : textOf(facts.replicaIdentity).replace(/^index/, 'USING INDEX')}`,
  ],
};

function namesOf(options: Fact | undefined): string[] {
  return options === undefined || options === '' ? [] : textOf(options).split(', ');
}

function changeTable(both: Both, schema: RepairedSchema): string[] {
  return both.changed.flatMap((fact) => {
    const actions = tableFacts[fact];
    if (!actions) throw new ManualRepair(`the ${fact} of a table is changed by hand`);
    return actions(both).map((action) => `ALTER TABLE ${inSchema(schema, both.expected.name)} ${action}`);
  });
}

const columnFacts: Record<string, (both: Both) => string[]> = {
  default: ({ expected }) => [
    expected.facts.default === undefined ? 'DROP DEFAULT' : `SET DEFAULT ${textIn(expected, 'default')}`,
  ],
  notNull: ({ expected }) => [expected.facts.notNull === undefined ? 'DROP NOT NULL' : 'SET NOT NULL'],
  identity: ({ expected: { facts }, found }) => {
    if (facts.identity === undefined) return ['DROP IDENTITY'];
    if (found.facts.identity !== undefined) return [`SET GENERATED ${textOf(facts.identity)}`];
    return [`ADD GENERATED ${textOf(facts.identity)} AS IDENTITY`];
  },
  type: ({ expected, found }) => {
    const [to, from] = [textIn(expected, 'type'), textIn(found, 'type')];
    if (!isText(to) || !isText(from))
      throw new ManualRepair(
        `${from} cannot be made ${to} without a decision on the data: ALTER TABLE … ALTER COLUMN … TYPE ${to} USING …`,
      );
    // An assignment refuses values that are too long; it cuts off nothing but blanks.
    return [`TYPE ${to}`];
  },
  storage: ({ expected }) => {
    if (expected.facts.storage !== undefined) return [`SET STORAGE ${textIn(expected, 'storage')}`];
    // The storage of the type; SET STORAGE DEFAULT is not known before PostgreSQL 16.
    return [`SET STORAGE ${/^numeric/.test(textIn(expected, 'type')) ? 'MAIN' : 'EXTENDED'}`];
  },
  compression: ({ expected }) => [
    `SET COMPRESSION ${expected.facts.compression === undefined ? 'default' : textIn(expected, 'compression')}`,
  ],
  statistics: ({ expected }) => [
    `SET STATISTICS ${expected.facts.statistics === undefined ? '-1' : textIn(expected, 'statistics')}`,
  ],
};

function isText(type: string): boolean {
  return /^(text|character varying(\(\d+\))?)$/.test(type);
}

function changeColumn(both: Both, schema: RepairedSchema): string[] {
  const { parent, name } = both.expected;
  return both.changed.flatMap((fact) => {
    const actions = columnFacts[fact];
    if (!actions)
      throw new ManualRepair(
        `the ${fact} part of a column is changed by hand, because its values depend on it`,
      );
    return actions(both).map(
      (action) => `ALTER TABLE ${inSchema(schema, parent)} ALTER COLUMN ${identifier(name)} ${action}`,
    );
  });
}

function changeSequence({ expected, changed }: Both, schema: RepairedSchema): string[] {
  const name = inSchema(schema, expected.name);
  const owner =
    expected.parent === null
      ? 'NONE'
      : `${inSchema(schema, expected.parent)}.${identifier(expected.columns?.[0] ?? '')}`;
  return [
    ...(changed.some((fact) => !['ownedBy', 'persistence'].includes(fact))
      ? [`ALTER SEQUENCE ${name} ${sequenceSql(expected)}`]
      : []),
    ...(changed.includes('ownedBy') ? [`ALTER SEQUENCE ${name} OWNED BY ${owner}`] : []),
    ...(changed.includes('persistence')
      ? [`ALTER SEQUENCE ${name} SET ${expected.facts.persistence === undefined ? 'LOGGED' : 'UNLOGGED'}`]
      : []),
  ];
}

function changeType({ expected, found, changed }: Both, schema: RepairedSchema): string[] {
  const name = inSchema(schema, expected.name);
  return changed.flatMap((fact) => {
    if (fact === 'default')
      return expected.facts.default === undefined
        ? [`ALTER DOMAIN ${name} DROP DEFAULT`]
        : [`ALTER DOMAIN ${name} SET DEFAULT ${textIn(expected, 'default')}`];
    if (fact === 'notNull')
      return [`ALTER DOMAIN ${name} ${expected.facts.notNull === undefined ? 'DROP' : 'SET'} NOT NULL`];
    if (fact === 'labels') return addLabels(name, expected.facts.labels, found.facts.labels);
    throw new ManualRepair(`the ${fact} of a type is changed by hand, because columns depend on it`);
  });
}

function addLabels(name: string, expected: Fact | undefined, found: Fact | undefined): string[] {
  const [wanted, present] = [expected, found].map((labels) => (Array.isArray(labels) ? labels : []));
  if (!wanted || !present?.every((label) => wanted.includes(label)))
    throw new ManualRepair(
      'values of an enum cannot be dropped: make a new type and change the columns to it',
    );
  return wanted.flatMap((label, at) => {
    if (present.includes(label)) return [];
    const before = wanted[at - 1];
    // Those before it are there by then; in front of the first one stands what the type has now.
    const [first] = present;
    const place =
      before !== undefined
        ? ` AFTER ${escapeLiteral(before)}`
        : first === undefined
          ? ''
          : ` BEFORE ${escapeLiteral(first)}`;
    return [`ALTER TYPE ${name} ADD VALUE ${escapeLiteral(label)}${place}`];
  });
}
