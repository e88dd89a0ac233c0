/** Steps that a service makes inside a tenant's transaction, careless ones included. Each transaction draws some. */
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { Chance } from '../../protocol/support/virtual-time.js';
import { actionOf, type Entry } from './hammer-ledger.js';

/** One transaction as its steps see it. */
export interface WorkContext {
  tx: pg.PoolClient;
  chance: Chance;
  entry: Entry;
  /** The schema of another tenant. */
  otherSchema: string;
  /** true after the work itself has left the tenant's schema; the rows it reads then are not judged. */
  isElsewhere: boolean;
  /** Reports a row or a temporary table of another tenant. */
  wrong(what: string): void;
}

export class Mistake extends Error {}

type Step = (context: WorkContext) => Promise<unknown>;

async function read(context: WorkContext): Promise<void> {
  const { tx, entry } = context;
  const rows = tx.query<{ owner: string }>(
    `SELECT value #>> '{}' AS owner FROM settings WHERE key = 'owner'
     UNION ALL SELECT split_part(action, ' ', 1) FROM (SELECT action FROM activity_log LIMIT 20) AS logged`,
  );
  // A query sent before the work left the schema is judged by the flag at the time of sending.
  if (context.isElsewhere) return void (await rows);
  for (const { owner } of (await rows).rows)
    if (owner !== entry.slug) context.wrong(`${entry.slug} ${entry.number} reads a row of ${owner}`);
}

async function write(context: WorkContext): Promise<void> {
  await insert(context, actionOf(context.entry, context.entry.written));
  context.entry.written++;
}

function insert({ tx }: WorkContext, action: string) {
  return tx.query('INSERT INTO activity_log (action) VALUES ($1)', [action]);
}

const fail: Step = ({ tx }) => tx.query('SELECT 1 / 0');
const throwMistake: Step = async () => {
  throw new Mistake('of the service itself');
};
const swallow: Step = ({ tx }) => tx.query('SELECT 1 / 0').catch(() => undefined);
const sleep: Step = ({ tx, chance }) => tx.query(`SELECT pg_sleep(${chance.between(0.001, 0.03)})`);

/** Leaves the schema inside a savepoint, fails there or not, and rolls back to the savepoint. */
const savepoint: Step = async (context) => {
  const { tx, chance } = context;
  await tx.query('SAVEPOINT before');
  await insert(context, actionOf(context.entry, 'undone'));
  const session = chance.happens(0.3) ? '' : 'LOCAL';
  context.isElsewhere = true;
  await tx.query(`SET ${session} search_path = "${context.otherSchema}", public`);
  if (chance.happens(0.5)) await tx.query('SELECT FROM nothing').catch(() => undefined);
  await tx.query('ROLLBACK TO before');
  context.isElsewhere = false;
  await read(context);
};

const leave =
  (scope: 'LOCAL' | 'SESSION'): Step =>
  (context) => {
    context.isElsewhere = true;
    return context.tx.query(`SET ${scope} search_path = "${context.otherSchema}"`);
  };

/** Makes temporary tables that would hide the tenant's own, and one that the next tenant must not find. */
const makeTemporary: Step = async (context) => {
  const { tx, entry } = context;
  await tx.query(`CREATE TEMP TABLE IF NOT EXISTS settings AS SELECT 'owner' AS key, '"temporary"'::jsonb AS value;
    CREATE TEMP TABLE IF NOT EXISTS activity_log AS SELECT 'temporary 0 0' AS action;
    CREATE TEMP TABLE IF NOT EXISTS leftover AS SELECT '${entry.slug}' AS owner`);
  await read(context);
};

/** The rows of a cursor WITH HOLD outlive the transaction. */
const holdCursor: Step = ({ tx, entry }) =>
  tx.query(`CLOSE ALL; DECLARE held CURSOR WITH HOLD FOR SELECT '${entry.slug}' AS owner`);

const failAtCommit: Step = ({ tx }) =>
  tx.query(`CREATE TEMP TABLE parent (id int PRIMARY KEY);
    CREATE TEMP TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
    INSERT INTO child VALUES (1)`);

const forget: Step = async (context) => void read(context).catch(() => undefined);

/** Runs a query without being awaited, possibly after the end of the transaction. */
const linger: Step = async (context) => {
  const lingering = async () => {
    await delay(context.chance.between(0, 8));
    await read(context);
  };
  lingering().catch(() => undefined);
};

/** Frequent steps are listed several times. */
const steps: readonly Step[] = [
  ...[read, read, read, read, write, write, write, write, savepoint, savepoint],
  ...[makeTemporary, holdCursor, sleep, forget, linger],
];
const lastSteps: readonly Step[] = [
  ...[read, read, write, write, write, fail, throwMistake, swallow, failAtCommit],
  ...[leave('LOCAL'), leave('SESSION'), leave('SESSION')],
];

/** Checks for leftovers of the last transaction, then runs some steps and one step that can only be the last. */
export async function doWork(context: WorkContext): Promise<void> {
  const { tx, chance, entry } = context;
  const drawn = Array.from({ length: Math.floor(chance.between(0, 4)) }, () => chance.pick(steps));
  drawn.push(chance.pick(lastSteps));
  const { rows } = await tx.query(
    `SELECT coalesce(to_regclass('leftover'), to_regclass('pg_temp.settings'))::text AS found`,
  );
  if (rows[0]?.found) context.wrong(`${entry.slug} finds the temporary table ${rows[0].found}`);
  for (const step of drawn) await step(context);
}
