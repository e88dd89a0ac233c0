import { escapeLiteral } from 'pg';
import { identifier } from '../../../database/identifier.js';
import { type Part, textOf } from '../structure/part.js';
import { changeGrants } from './grant-sql.js';
import {
  columnSql,
  enabledSql,
  inSchema,
  ManualRepair,
  policySql,
  type RepairedSchema,
  sequenceSql,
  textIn,
} from './part-sql.js';

type Create = (part: Part, schema: RepairedSchema) => string[];

/** How a missing part of each kind is made. Other kinds are made by hand. */
const creations: Record<string, Create> = {
  table: createTable,
  column: (part, schema) => [
    `ALTER TABLE ${inSchema(schema, part.parent)} ADD COLUMN ${columnSql(part)}`,
    ...storageOf(part, schema),
  ],
  constraint: (part, schema) => [
    `ALTER TABLE ${inSchema(schema, part.parent)} ADD CONSTRAINT ${identifier(part.name)} ${textIn(part, 'definition')}`,
  ],
  index: (part, schema) => [
    textIn(part, 'definition'),
    ...(part.facts.clustered === undefined
      ? []
      : [`ALTER TABLE ${inSchema(schema, part.parent)} CLUSTER ON ${identifier(part.name)}`]),
  ],
  sequence: (part, schema) => [
    `CREATE ${part.facts.persistence === undefined ? '' : 'UNLOGGED '}SEQUENCE ${inSchema(schema, part.name)} ${sequenceSql(part)}`,
  ],
  view: createView,
  'materialized view': createView,
  function: (part) => [textIn(part, 'definition')],
  procedure: (part) => [textIn(part, 'definition')],
  trigger: (part, schema) => [textIn(part, 'definition'), ...enabledSql(schema, 'TRIGGER', part)],
  rule: (part, schema) => [textIn(part, 'definition'), ...enabledSql(schema, 'RULE', part)],
  policy: (part, schema) => [policySql(schema, part)],
  statistics: (part) => [textIn(part, 'definition')],
  type: createType,
  attribute: (part, schema) => [
    `ALTER TYPE ${inSchema(schema, part.parent)} ADD ATTRIBUTE ${identifier(part.name)} ${textIn(part, 'type')}`,
  ],
  'domain constraint': (part, schema) => [
    `ALTER DOMAIN ${inSchema(schema, part.parent)} ADD CONSTRAINT ${identifier(part.name)} ${textIn(part, 'definition')}`,
  ],
  grants: (part, schema) => changeGrants(schema, part, undefined),
};

/** The order in which parts of a missing part are made. Columns and attributes are made with their table or type. */
const orderOfKinds = [
  'constraint',
  'index',
  'statistics',
  'trigger',
  'rule',
  'policy',
  'domain constraint',
  'grants',
];

/** Statements that make a missing part, with everything that belongs to it. Throws ManualRepair. */
export function createPart(part: Part, schema: RepairedSchema): string[] {
  const create = creations[part.kind];
  if (!create)
    throw new ManualRepair(`a ${part.kind} is made by hand, with the statements of the module's files`);
  const belonging = schema.parts.filter((other) => belongsTo(other, part));
  const sequences = belonging.filter((other) => other.kind === 'sequence' && !isOfIdentity(other, schema));
  const others = orderOfKinds.flatMap((kind) => belonging.filter((other) => other.kind === kind));
  const foreignKeysLast = [...others.filter((other) => !isForeignKey(other)), ...others.filter(isForeignKey)];
  return [
    ...sequences.flatMap((sequence) => createPart(sequence, schema)),
    ...create(part, schema),
    ...sequences.map((sequence) => ownedSql(sequence, schema)),
    ...foreignKeysLast.flatMap((other) => creations[other.kind]?.(other, schema) ?? []),
  ];
}

function belongsTo(other: Part, part: Part): boolean {
  if (other === part) return false;
  if (part.kind === 'column')
    return other.parent === part.parent && other.columns?.includes(part.name) === true;
  return part.parent === null && other.parent === part.name;
}

function isForeignKey({ facts }: Part): boolean {
  return textOf(facts.definition).startsWith('FOREIGN KEY');
}

/** The sequence of an identity column is made with the column. */
function isOfIdentity({ parent, columns }: Part, { parts }: RepairedSchema): boolean {
  return parts.some(
    ({ kind, parent: table, name, facts }) =>
      kind === 'column' &&
      table === parent &&
      columns?.includes(name) === true &&
      facts.identity !== undefined,
  );
}

function ownedSql(sequence: Part, schema: RepairedSchema): string {
  return `ALTER SEQUENCE ${inSchema(schema, sequence.name)} OWNED BY ${inSchema(schema, sequence.parent)}.${identifier(sequence.columns?.[0] ?? '')}`;
}

function createTable(part: Part, schema: RepairedSchema): string[] {
  const { persistence, options, rowSecurity, forcedRowSecurity, replicaIdentity, ...others } = part.facts;
  const [special] = Object.keys(others).filter((fact) => textOf(others[fact]) !== '');
  if (special !== undefined)
    throw new ManualRepair(
      `a table with ${special} is made by hand, with the statements of the module's files`,
    );
  const columns = schema.parts.filter(({ kind, parent }) => kind === 'column' && parent === part.name);
  const name = inSchema(schema, part.name);
  return [
    `CREATE ${persistence === undefined ? '' : 'UNLOGGED '}TABLE ${name} (${columns.map(columnSql).join(', ')})` +
      `${textOf(options) === '' || options === undefined ? '' : ` WITH (${textOf(options)})`}`,
    ...columns.flatMap((column) => storageOf(column, schema)),
    ...(rowSecurity === undefined ? [] : [`ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY`]),
    ...(forcedRowSecurity === undefined ? [] : [`ALTER TABLE ${name} FORCE ROW LEVEL SECURITY`]),
    ...(replicaIdentity === undefined
      ? []
      : [`ALTER TABLE ${name} REPLICA IDENTITY ${textOf(replicaIdentity)}`]),
  ];
}

function storageOf({ parent, name, facts }: Part, schema: RepairedSchema): string[] {
  const alter = `ALTER TABLE ${inSchema(schema, parent)} ALTER COLUMN ${identifier(name)}`;
  return [
    ...(facts.storage === undefined ? [] : [`${alter} SET STORAGE ${textOf(facts.storage)}`]),
    ...(facts.compression === undefined ? [] : [`${alter} SET COMPRESSION ${textOf(facts.compression)}`]),
    ...(facts.statistics === undefined ? [] : [`${alter} SET STATISTICS ${textOf(facts.statistics)}`]),
    ...(facts.options === undefined || facts.options === ''
      ? []
      : [`${alter} SET (${textOf(facts.options)})`]),
  ];
}

function createView(part: Part, schema: RepairedSchema): string[] {
  const { options } = part.facts;
  const settings = options === undefined || options === '' ? '' : ` WITH (${textOf(options)})`;
  return [
    `CREATE ${part.kind === 'view' ? 'OR REPLACE VIEW' : 'MATERIALIZED VIEW'} ${inSchema(schema, part.name)}${settings} AS ${textIn(part, 'definition').replace(/;\s*$/, '')}`,
  ];
}

function createType(part: Part, schema: RepairedSchema): string[] {
  const { kind, labels, collation, default: value, notNull } = part.facts;
  const name = inSchema(schema, part.name);
  switch (kind) {
    case 'enum': {
      const texts = Array.isArray(labels) ? labels.map((label) => escapeLiteral(label)) : [];
      return [`CREATE TYPE ${name} AS ENUM (${texts.join(', ')})`];
    }
    case 'composite': {
      const attributes = schema.parts.filter(
        (other) => other.kind === 'attribute' && other.parent === part.name,
      );
      return [`CREATE TYPE ${name} AS (${attributes.map(columnSql).join(', ')})`];
    }
    case 'domain':
      return [
        `CREATE DOMAIN ${name} AS ${textIn(part, 'base')}${collation === undefined ? '' : ` COLLATE ${textOf(collation)}`}` +
          `${value === undefined ? '' : ` DEFAULT ${textOf(value)}`}${notNull === undefined ? '' : ' NOT NULL'}`,
      ];
    default:
      throw new ManualRepair(
        `a ${textOf(kind)} type is made by hand, with the statements of the module's files`,
      );
  }
}
