/** What services do inside a tenant's transaction, the careless ones included. Each draws from what it may do. */
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { Chance } from '../../protocol/support/virtual-time.js';
import { actionOf, type Entry } from './hammer-ledger.js';

/** One transaction, as its work sees it. */
export interface Errand {
  tx: pg.PoolClient;
  chance: Chance;
  entry: Entry;
  /** The schema of another tenant. */
  otherSchema: string;
  /** The work itself has left the tenant's schema: what it finds now is its own fault. */
  isElsewhere: boolean;
  /** A row, or a temporary table, that is not this tenant's. */
  wrong(what: string): void;
}

export class Mistake extends Error {}

type Step = (errand: Errand) => Promise<unknown>;

async function read(errand: Errand): Promise<void> {
  const { tx, entry } = errand;
  const rows = tx.query<{ owner: string }>(
    `SELECT value #>> '{}' AS owner FROM settings WHERE key = 'owner'
     UNION ALL SELECT split_part(action, ' ', 1) FROM (SELECT action FROM activity_log LIMIT 20) AS logged`,
  );
  // What was asked before it went elsewhere is answered before.
  if (errand.isElsewhere) return void (await rows);
  for (const { owner } of (await rows).rows)
    if (owner !== entry.slug) errand.wrong(`${entry.slug} ${entry.number} reads a row of ${owner}`);
}

async function write(errand: Errand): Promise<void> {
  await insert(errand, actionOf(errand.entry, errand.entry.written));
  errand.entry.written++;
}

function insert({ tx }: Errand, action: string) {
  return tx.query('INSERT INTO activity_log (action) VALUES ($1)', [action]);
}

const fail: Step = ({ tx }) => tx.query('SELECT 1 / 0');
const throwMistake: Step = async () => {
  throw new Mistake('of the service itself');
};
const swallow: Step = ({ tx }) => tx.query('SELECT 1 / 0').catch(() => undefined);
const sleep: Step = ({ tx, chance }) => tx.query(`SELECT pg_sleep(${chance.between(0.001, 0.03)})`);

/** Goes elsewhere, fails there or not, and goes back. */
const savepoint: Step = async (errand) => {
  const { tx, chance } = errand;
  await tx.query('SAVEPOINT before');
  await insert(errand, actionOf(errand.entry, 'undone'));
  const session = chance.happens(0.3) ? '' : 'LOCAL';
  errand.isElsewhere = true;
  await tx.query(`SET ${session} search_path = "${errand.otherSchema}", public`);
  if (chance.happens(0.5)) await tx.query('SELECT FROM nothing').catch(() => undefined);
  await tx.query('ROLLBACK TO before');
  errand.isElsewhere = false;
  await read(errand);
};

const leave =
  (scope: 'LOCAL' | 'SESSION'): Step =>
  (errand) => {
    errand.isElsewhere = true;
    return errand.tx.query(`SET ${scope} search_path = "${errand.otherSchema}"`);
  };

/** Tables that would hide the tenant's own, and one that a tenant should not find of another. */
const makeTemporary: Step = async (errand) => {
  const { tx, entry } = errand;
  await tx.query(`CREATE TEMP TABLE IF NOT EXISTS settings AS SELECT 'owner' AS key, '"temporary"'::jsonb AS value;
    CREATE TEMP TABLE IF NOT EXISTS activity_log AS SELECT 'temporary 0 0' AS action;
    CREATE TEMP TABLE IF NOT EXISTS leftover AS SELECT '${entry.slug}' AS owner`);
  await read(errand);
};

/** What a cursor of that kind has found outlives the transaction. */
const holdCursor: Step = ({ tx, entry }) =>
  tx.query(`CLOSE ALL; DECLARE held CURSOR WITH HOLD FOR SELECT '${entry.slug}' AS owner`);

const failAtCommit: Step = ({ tx }) =>
  tx.query(`CREATE TEMP TABLE parent (id int PRIMARY KEY);
    CREATE TEMP TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
    INSERT INTO child VALUES (1)`);

const forget: Step = async (errand) => void read(errand).catch(() => undefined);

/** Goes on by itself, maybe for longer than the transaction. */
const linger: Step = async (errand) => {
  const lingering = async () => {
    await delay(errand.chance.between(0, 8));
    await read(errand);
  };
  lingering().catch(() => undefined);
};

/** Often used ones stand several times. */
const steps: readonly Step[] = [
  ...[read, read, read, read, write, write, write, write, savepoint, savepoint],
  ...[makeTemporary, holdCursor, sleep, forget, linger],
];
const lastSteps: readonly Step[] = [
  ...[read, read, write, write, write, fail, throwMistake, swallow, failAtCommit],
  ...[leave('LOCAL'), leave('SESSION'), leave('SESSION')],
];

/** Looks whether something was left behind, does some of what it may do, and last of all something it may only do last. */
export async function doErrand(errand: Errand): Promise<void> {
  const { tx, chance, entry } = errand;
  const drawn = Array.from({ length: Math.floor(chance.between(0, 4)) }, () => chance.pick(steps));
  drawn.push(chance.pick(lastSteps));
  const { rows } = await tx.query(
    `SELECT coalesce(to_regclass('leftover'), to_regclass('pg_temp.settings'))::text AS found`,
  );
  if (rows[0]?.found) errand.wrong(`${entry.slug} finds the temporary table ${rows[0].found}`);
  for (const step of drawn) await step(errand);
}
