import type { ClientBase } from 'pg';
import { type Answer, type Statement, sendAll } from '../../database/statements/batch.js';
import { type Commit, inTransaction } from '../../database/statements/in-transaction.js';
import { RegistryError } from '../../errors.js';
import { hasGuard } from './guard.js';
import { applyLock } from './guard-sql.js';

/** The tenant and module that a schema belongs to. */
export interface SchemaOwner {
  tenantId: string;
  module: string;
}

export type BindingState = 'active' | 'suspended' | 'closed' | 'not_ready';

/** The registry's state for a schema, at a revision. */
export interface BoundState {
  generation: number;
  state: BindingState;
  epoch: string;
  revision: bigint;
}

/** What the registry says of a schema, to be written. */
export interface ToldState extends BoundState {
  /** The revision after which the epoch began: changes of other epochs with later revisions were lost by a restore. */
  began: bigint;
}

/** A row of tenant_guard.binding. */
export interface Binding extends BoundState {
  schemaName: string;
  owner: SchemaOwner;
  /** Whether the schema is still the one that was bound, and not another of the same name. */
  isSameSchema: boolean;
}

/**
 * applied: written. unchanged: the binding had this state already. superseded: the binding has a newer state, also one of a change
 * that the registry lost by a restore. absent: nothing was written, because there is no schema, or no binding to close.
 */
export interface AppliedBinding {
  outcome: 'applied' | 'unchanged' | 'superseded' | 'absent';
  /** The binding after the call. */
  binding: Binding | undefined;
}

export interface ApplyOptions {
  /** How long the transaction may be idle before the server ends it. The wait for its lock is twice as long. */
  patienceMs?: number;
  /** Opens also what a lost change has closed: the storage is taken into use anew. */
  opensLost?: boolean;
}

const defaultPatienceMs = 2_000;

const schemaOid = '(SELECT oid FROM pg_namespace WHERE nspname = $1::text)';

const columns = `schema_name, tenant_id, module, generation, state, epoch, revision,
  schema_oid IS NOT DISTINCT FROM (SELECT oid FROM pg_namespace WHERE nspname = schema_name) AS is_same_schema`;

export async function findBinding(client: ClientBase, schemaName: string): Promise<Binding | undefined> {
  if (!(await hasGuard(client))) return undefined;
  const [found] = await readBindings(client, 'WHERE schema_name = $1', [schemaName]);
  return found;
}

/** All bindings of the client's database, by schema. */
export async function listBindings(client: ClientBase): Promise<Binding[]> {
  return (await hasGuard(client)) ? readBindings(client, 'ORDER BY schema_name', []) : [];
}

/**
 * Writes the registry's state into the binding. `readState` is called under the binding's lock, so that the last writer has the
 * newest state, even when a restored registry starts a new epoch. Within an epoch an older revision never replaces a newer
 * one. A lost change is one that a restore removed from the registry: what it closed stays closed until the registry has a
 * later generation. Throws CONFLICT when the schema is bound to another tenant or module.
 */
export async function applyBinding(
  client: ClientBase,
  wanted: { schemaName: string; owner: SchemaOwner },
  readState: () => Promise<ToldState>,
  { patienceMs = defaultPatienceMs, opensLost = false }: ApplyOptions = {},
): Promise<AppliedBinding> {
  const { schemaName, owner } = wanted;
  const apply = async (commit: Commit, answers: Answer[]): Promise<AppliedBinding> => {
    const [bindings, schemas] = answers.slice(-2);
    const found = bindings?.rows.map(readBindingRow)[0];
    if (found) requireBoundTo(found, owner);
    else if (schemas?.rowCount === 0) return { outcome: 'absent', binding: undefined };
    const state = await readState();
    // Without a binding the guard refuses everybody. A new one would make the schema look as if the registry had made it.
    if (!found && state.state === 'closed') return { outcome: 'absent', binding: undefined };
    if (found && found.epoch === state.epoch) {
      if (state.revision < found.revision) return { outcome: 'superseded', binding: found };
      if (isSameState(found, state)) return { outcome: 'unchanged', binding: found };
    }
    if (found && state.state === 'active' && !opensLost && isOfLostChange(found, state))
      return { outcome: 'superseded', binding: found };
    const write = found ? updateBinding(schemaName, state) : insertBinding(schemaName, owner, state);
    const [, written] = await commit(write, selectBinding(schemaName));
    return { outcome: 'applied', binding: written?.rows.map(readBindingRow)[0] };
  };
  return inTransaction(client, apply, [
    // Overrides the role's default: the reads below must see what was committed before the lock was taken.
    { text: 'SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE' },
    { text: `SET LOCAL lock_timeout = ${Math.ceil(patienceMs) * 2}` },
    { text: `SET LOCAL idle_in_transaction_session_timeout = ${Math.ceil(patienceMs)}` },
    lockBinding(schemaName),
    selectBinding(schemaName),
    { text: 'SELECT FROM pg_namespace WHERE nspname = $1', values: [schemaName] },
  ]);
}

/**
 * Binds a schema as not ready, inside the transaction that creates or migrates it: the guard refuses every service until the
 * registry's state is applied. An existing binding keeps its state, but refers to the present schema.
 */
export async function ensureBinding(
  client: ClientBase,
  { schemaName, owner, generation }: { schemaName: string; owner: SchemaOwner; generation: number },
): Promise<void> {
  const [, bindings] = await sendAll(client, lockBinding(schemaName), selectBinding(schemaName));
  const found = bindings?.rows.map(readBindingRow)[0];
  // Without an epoch, so that any state of the registry replaces it.
  const notReady = { generation, state: 'not_ready', epoch: '', revision: 0n } as const;
  if (!found) return void (await sendAll(client, insertBinding(schemaName, owner, notReady)));
  requireBoundTo(found, owner);
  if (!found.isSameSchema)
    await client.query(
      `UPDATE tenant_guard.binding SET schema_oid = ${schemaOid} WHERE schema_name = $1::text`,
      [schemaName],
    );
}

/** Removes the owner's binding, inside the transaction that drops the schema. */
export async function removeBinding(
  client: ClientBase,
  schemaName: string,
  owner: SchemaOwner,
): Promise<void> {
  await sendAll(client, lockBinding(schemaName));
  if (!(await hasGuard(client))) return;
  await client.query(
    'DELETE FROM tenant_guard.binding WHERE schema_name = $1 AND tenant_id = $2 AND module = $3',
    [schemaName, owner.tenantId, owner.module],
  );
}

function lockBinding(schemaName: string): Statement {
  return { text: `SELECT pg_advisory_xact_lock(${applyLock('$1')})`, values: [schemaName] };
}

function selectBinding(schemaName: string): Statement {
  return { text: `SELECT ${columns} FROM tenant_guard.binding WHERE schema_name = $1`, values: [schemaName] };
}

function insertBinding(
  schemaName: string,
  owner: SchemaOwner,
  { generation, state, epoch, revision }: BoundState,
): Statement {
  return {
    text: `INSERT INTO tenant_guard.binding
       (schema_name, schema_oid, tenant_id, module, generation, state, epoch, revision)
     VALUES ($1, ${schemaOid}, $2, $3, $4, $5, $6, $7)`,
    values: [schemaName, owner.tenantId, owner.module, generation, state, epoch, revision],
  };
}

function updateBinding(schemaName: string, { generation, state, epoch, revision }: BoundState): Statement {
  return {
    text: `UPDATE tenant_guard.binding
     SET generation = $2, state = $3, epoch = $4, revision = $5, updated_at = now() WHERE schema_name = $1`,
    values: [schemaName, generation, state, epoch, revision],
  };
}

async function readBindings(client: ClientBase, clauses: string, values: unknown[]): Promise<Binding[]> {
  const { rows } = await client.query(`SELECT ${columns} FROM tenant_guard.binding ${clauses}`, values);
  return rows.map(readBindingRow);
}

function readBindingRow(row: Answer['rows'][number]): Binding {
  return {
    schemaName: row.schema_name,
    owner: { tenantId: row.tenant_id, module: row.module },
    generation: row.generation,
    state: row.state,
    epoch: row.epoch,
    revision: BigInt(row.revision),
    isSameSchema: row.is_same_schema,
  };
}

export function isSameOwner(found: SchemaOwner | undefined, wanted: SchemaOwner): boolean {
  return found?.tenantId === wanted.tenantId && found.module === wanted.module;
}

function requireBoundTo({ schemaName, owner }: Binding, wanted: SchemaOwner): void {
  if (isSameOwner(owner, wanted)) return;
  throw new RegistryError(
    'CONFLICT',
    `Schema ${schemaName} is bound to tenant ${owner.tenantId}, module ${owner.module}: subscribe with another schemaName`,
  );
}

/**
 * Whether a change that the registry lost by a restore gave the binding a later generation, or closed what the registry has as
 * active: to write the registry's state would let services in that this change kept out.
 */
export function isOfLostChange(
  found: BoundState,
  { generation, state, epoch, began }: Omit<ToldState, 'revision'>,
): boolean {
  // Without an epoch the binding has never had a state of the registry.
  if (found.epoch === '' || found.epoch === epoch || found.revision <= began) return false;
  const isShut = state === 'active' && found.state !== 'active';
  return found.generation > generation || (isShut && found.generation === generation);
}

function isSameState(found: Binding, { generation, state, revision }: BoundState): boolean {
  return found.generation === generation && found.state === state && found.revision === revision;
}

export async function schemaExists(client: ClientBase, schemaName: string): Promise<boolean> {
  const { rowCount } = await client.query('SELECT FROM pg_namespace WHERE nspname = $1', [schemaName]);
  return rowCount === 1;
}
