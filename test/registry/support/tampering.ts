/**
 * Faults that a user who can disable its triggers may cause in the change log. Without vitest, because bench/ uses it
 * too.
 */

export interface Place {
  revision: string;
  position: number;
}

/** A fault with its description and its SQL. Every fault changes something. */
export interface Fault {
  what: string;
  sql: string;
}

/** New values of each column; each differs from the old value. */
const edits: Record<string, string> = {
  tenant_id: `CASE WHEN tenant_id IS NULL THEN gen_random_uuid() END`,
  tenant_slug: `coalesce(tenant_slug, '') || 'x'`,
  module: `CASE module WHEN 'finance' THEN NULL ELSE 'finance' END`,
  kind: `'tenant.' || CASE kind WHEN 'tenant.resumed' THEN 'suspended' ELSE 'resumed' END`,
  entity_id: `entity_id || ' '`,
  actor: `CASE actor WHEN 'gateway' THEN 'developer' ELSE 'gateway' END`,
  database_role: `upper(database_role) || '_'`,
  request_id: `CASE WHEN request_id IS NULL THEN 'r-1' END`,
  'request_id (to another)': `coalesce(request_id, '') || 'x'`,
  before: `CASE WHEN before IS NULL THEN 'null'::jsonb WHEN before = '{}' THEN NULL ELSE '{}'::jsonb END`,
  after: `coalesce(after, '{}') || '{"": 1.0}'`,
  changed_at: `changed_at + interval '1 microsecond'`,
  previous_hash: `previous_hash || '\\x00'`,
  hash: `set_byte(hash, 31, get_byte(hash, 31) # 1)`,
  'changed_at (into another era)': `(changed_at::text || ' BC')::timestamptz`,
  'hash (away)': `''::bytea`,
};

const recompute = (where: string) =>
  `UPDATE registry_change AS change SET hash = registry_change_hash(change) WHERE ${where}`;

/** Picks a random fault for a log with these entries, given in their order. */
export function pickFault(random: () => number, places: readonly Place[]): Fault {
  const below = (count: number) => Math.floor(random() * count);
  const pick = <T>(choices: readonly T[]): T => {
    const choice = choices[below(choices.length)];
    if (choice === undefined) throw new Error('there is no choice');
    return choice;
  };
  const is = ({ revision, position }: Place) => `revision = ${revision} AND position = ${position}`;
  const one = pick(places);
  const other = pick(places.filter((place) => place !== one));
  const [name, value] = pick(Object.entries(edits));
  const column = name.replace(/ .*/, '');
  const edit = `UPDATE registry_change SET ${column} = ${value} WHERE ${is(one)}`;
  const forged = (place: Place) =>
    `INSERT INTO registry_change SELECT (jsonb_populate_record(change, '{"revision": ${place.revision}, "position": ${place.position}, "actor": "nobody"}')).*
     FROM registry_change AS change WHERE ${is(one)}; ${recompute(is(place))}`;
  const few = 1 + below(3);
  const columns = '(kind, entity_id, actor, request_id, before, after, changed_at, previous_hash, hash)';
  const faults: (() => Fault)[] = [
    () => ({ what: `edit of ${name}`, sql: edit }),
    () => ({ what: `edit of ${name}`, sql: edit }),
    () => {
      const [name, value] = pick(Object.entries(edits).filter(([column]) => !column.startsWith('hash')));
      const sql = `UPDATE registry_change SET ${name.replace(/ .*/, '')} = ${value} WHERE ${is(one)}`;
      return { what: `edit of ${name} under a new hash`, sql: `${sql}; ${recompute(is(one))}` };
    },
    () => ({
      what: 'another position',
      sql: `UPDATE registry_change SET position = position + 1000 WHERE ${is(one)}`,
    }),
    () => ({
      what: 'another revision',
      sql: `UPDATE registry_change SET revision = revision + 1000000 WHERE ${is(one)}`,
    }),
    () => ({ what: 'deletion', sql: `DELETE FROM registry_change WHERE ${is(one)}` }),
    () => ({
      what: 'deletion of a revision',
      sql: `DELETE FROM registry_change WHERE revision = ${one.revision}`,
    }),
    () => ({
      what: `deletion of the newest ${few}`,
      sql: places
        .slice(-few)
        .map((place) => `DELETE FROM registry_change WHERE ${is(place)}`)
        .join(';'),
    }),
    () => ({
      what: `deletion of the oldest ${few}`,
      sql: places
        .slice(0, few)
        .map((place) => `DELETE FROM registry_change WHERE ${is(place)}`)
        .join(';'),
    }),
    () => ({ what: 'deletion of all', sql: 'DELETE FROM registry_change' }),
    () => ({ what: 'a forged entry in a revision', sql: forged({ ...one, position: one.position + 500 }) }),
    () => ({
      what: 'a forged entry behind the newest',
      sql: forged({ revision: String(BigInt(places.at(-1)?.revision ?? 0) + 1n), position: 0 }),
    }),
    () => ({
      what: 'two entries exchanged',
      sql: `UPDATE registry_change SET revision = 9000000000000000000 WHERE ${is(one)};
            UPDATE registry_change SET revision = ${one.revision}, position = ${one.position} WHERE ${is(other)};
            UPDATE registry_change SET revision = ${other.revision}, position = ${other.position} WHERE revision = 9000000000000000000`,
    }),
    () => ({
      what: 'contents of two entries exchanged',
      sql: `UPDATE registry_change AS change SET ${columns} =
              (SELECT kind, entity_id, actor, request_id, before, after, changed_at, previous_hash, hash FROM registry_change AS from_other
               WHERE from_other.revision = CASE WHEN ${is(one).replaceAll(/\b(revision|position)\b/g, 'change.$1')} THEN ${other.revision} ELSE ${one.revision} END
                 AND from_other.position = CASE WHEN ${is(one).replaceAll(/\b(revision|position)\b/g, 'change.$1')} THEN ${other.position} ELSE ${one.position} END)
            WHERE ${is(one)} OR ${is(other)}`,
    }),
    () => ({ what: 'a head before', sql: 'UPDATE registry_head SET revision = revision - 1' }),
    () => ({ what: 'a head behind', sql: 'UPDATE registry_head SET position = position + 1' }),
    () => ({ what: 'a head with another hash', sql: `UPDATE registry_head SET hash = sha256(hash)` }),
    () => ({ what: 'no head', sql: 'DELETE FROM registry_head' }),
  ];
  return pick(faults)();
}
