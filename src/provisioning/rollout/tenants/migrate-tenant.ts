import type { ClientBase } from 'pg';
import { messageOf, RegistryError } from '../../../errors.js';
import type { Isolation } from '../../../registry/modules/isolation.js';
import type { ModuleMigration } from '../../storage/module-migrations.js';
import { storageLockName } from '../../storage/schema-storage.js';
import type { StorageLocation } from '../../storage/storage-location.js';
import { isLockConflict, isTransient, stateOf } from './file-failure.js';
import type { LockWatch } from './lock-watch.js';
import {
  checkFile,
  type FilePlace,
  mayShareMessage,
  runFile,
  runTogether,
  ViolationsError,
} from './run-file.js';
import type { SchemaGuards } from './schema-guards.js';
import { decide, endLostSessions, lockStorage, type StorageState } from './storage-state.js';
import type { Violation } from './violations.js';

/** A tenant of the rollout that is to be migrated. */
export interface QueuedTenant {
  tenantId: string;
  isolation: Isolation;
  databaseName: string;
  schemaName: string;
  generation: number;
  /** The version in the registry. */
  registeredVersion: string | null;
}

/** The result of one attempt. */
export interface TenantOutcome {
  status: 'SUCCEEDED' | 'FAILED' | 'BLOCKED' | 'SKIPPED';
  /** The newest file that has run in the storage; null when that is not known. */
  toVersion: string | null;
  file: string | null;
  error: string | null;
  errorCode: string | null;
  violations: readonly Violation[] | null;
}

/** The attempt failed because of a lock or a lost connection, and is worth another. */
export interface PassingFailure {
  status: 'PASSING';
  outcome: TenantOutcome;
}

export interface MigrationSettings {
  files: readonly ModuleMigration[];
  lockTimeoutMs: number;
  statementTimeoutMs: number;
  watch: LockWatch;
  guards: SchemaGuards;
}

/**
 * Migrates the storage of one tenant under the lock of its name. `moduleClient` is connected to the module's database, `client` to the
 * one with the schema. Neither is in a transaction; both keep session locks, and settings unless `attempt.isPlain`, so the caller resets them.
 */
export async function migrateTenant(
  clients: { moduleClient: ClientBase; client: ClientBase },
  location: StorageLocation & Pick<QueuedTenant, 'registeredVersion'>,
  settings: MigrationSettings,
  attempt: Attempt,
): Promise<TenantOutcome | PassingFailure> {
  const { moduleClient, client } = clients;
  const { schemaName } = location;
  try {
    const lockName = storageLockName(location);
    attempt.holdsLockIn = moduleClient;
    const state = await lockStorage(moduleClient, client, { lockName, schemaName });
    if (!state) {
      await endLostSessions(moduleClient, lockName);
      return { status: 'PASSING', outcome: attempt.end('FAILED', isBusy) };
    }
    return await runMissing(client, location, state, settings, attempt);
  } catch (error) {
    return attempt.fail(error);
  }
}

const isBusy =
  'Another session, such as that of an operation, keeps working on the storage: use retryRollout when it has ended';

async function runMissing(
  client: ClientBase,
  {
    isolation,
    schemaName,
    owner,
    registeredVersion,
  }: StorageLocation & Pick<QueuedTenant, 'registeredVersion'>,
  state: StorageState,
  { files, watch, guards, ...timeouts }: MigrationSettings,
  attempt: Attempt,
): Promise<TenantOutcome> {
  const decision = decide(state, { schemaName, owner, registeredVersion, files });
  attempt.version = decision.present;
  if (decision.kind !== 'run')
    return attempt.end(decision.kind === 'blocked' ? 'BLOCKED' : 'SKIPPED', decision.reason);
  if (decision.missing.length === 0) return attempt.end('SUCCEEDED', null);
  const roles = await guards.check(client, schemaName, owner.module, isolation === 'SCHEMA');
  const role = roles.owner === state.ownerRole ? roles.owner : undefined;
  const place: FilePlace = {
    ...{ schemaName, owner, role, moduleRole: roles.owner, access: roles.access },
    ...timeouts,
  };
  const { missing } = decision;
  for (let at = 0; at < missing.length; ) {
    const shared = await countShared(missing, at);
    const next = missing.slice(at, at + Math.max(1, shared));
    at += next.length;
    // A file that runs alone waits with locks that services do not queue behind, and begins anew when it is cancelled.
    using watched = next[0]?.runsAlone ? undefined : watch.watch(state.pid);
    attempt.wasCancelled = () => watched?.wasCancelled() ?? false;
    if (shared > 0) await runShared(client, next, place, attempt, { isLast: at === missing.length });
    else for (const migration of next) await runChecked(client, migration, place, attempt);
  }
  return attempt.end('SUCCEEDED', null);
}

/** How many of the next files may share a message. */
async function countShared(missing: readonly ModuleMigration[], from: number): Promise<number> {
  let count = 0;
  for (const migration of missing.slice(from)) {
    if (!(await mayShareMessage(migration))) break;
    count++;
  }
  return count;
}

/** SET and RESET at the begin of a line or statement, which the session keeps. */
const setsSomething = /(^|;)\s*(set|reset)\b/im;

async function runShared(
  client: ClientBase,
  migrations: readonly ModuleMigration[],
  place: FilePlace,
  attempt: Attempt,
  { isLast }: { isLast: boolean },
): Promise<void> {
  attempt.isPlain &&= !migrations.some(({ sql }) => setsSomething.test(sql));
  const [first] = migrations;
  if (first) attempt.begin(first, place.statementTimeoutMs);
  // The last message of a tenant releases its lock as well, which saves a round trip for each tenant.
  const releases = isLast && attempt.isPlain && attempt.holdsLockIn === client;
  const { committed, error } = await runTogether(client, migrations, { ...place, releases });
  if (releases && !error) attempt.holdsLockIn = undefined;
  for (const migration of migrations.slice(0, committed)) attempt.succeed(migration);
  const failed = migrations[committed];
  if (!error) return;
  if (failed) attempt.failIn(failed);
  throw error;
}

async function runChecked(
  client: ClientBase,
  migration: ModuleMigration,
  place: FilePlace,
  attempt: Attempt,
): Promise<void> {
  attempt.isPlain = false;
  attempt.begin(migration, place.statementTimeoutMs);
  await checkFile(client, migration, place);
  await runFile(client, migration, place);
  attempt.succeed(migration);
}

/** How far an attempt has come. */
export class Attempt {
  /** The newest file that has run. */
  version: string | null = null;
  wasCancelled = () => false;
  /** The connection whose session may have the lock of the storage. */
  holdsLockIn: ClientBase | undefined;
  /** Whether only files ran whose text shows that they leave nothing in the session. */
  isPlain = true;
  #file: string | null = null;
  #since = 0;
  #statementTimeoutMs = 0;

  begin({ name }: ModuleMigration, statementTimeoutMs: number): void {
    this.#file = name;
    this.#since = performance.now();
    this.#statementTimeoutMs = statementTimeoutMs;
  }

  failIn({ name }: ModuleMigration): void {
    this.#file = name;
  }

  succeed({ name }: ModuleMigration): void {
    this.version = name;
    this.#file = null;
  }

  end(
    status: TenantOutcome['status'],
    error: string | null,
    more: Partial<TenantOutcome> = {},
  ): TenantOutcome {
    const file = status === 'SUCCEEDED' ? null : this.#file;
    return { status, toVersion: this.version, file, error, errorCode: null, violations: null, ...more };
  }

  fail(error: unknown): TenantOutcome | PassingFailure {
    if (error instanceof ViolationsError) {
      const status = error.kind === 'check' ? 'BLOCKED' : 'FAILED';
      return this.end(status, error.message, { violations: error.violations });
    }
    const errorCode = stateOf(error) ?? null;
    const ranMs = performance.now() - this.#since;
    if (isTransient(error, { wasCancelled: this.wasCancelled() || ranMs < this.#statementTimeoutMs })) {
      const message = isLockConflict(error, this.wasCancelled())
        ? `${this.#file ?? 'The storage'} waited in vain for locks that other sessions hold: ${messageOf(error)}`
        : messageOf(error);
      return { status: 'PASSING', outcome: this.end('FAILED', message, { errorCode }) };
    }
    // No file has begun: somebody has to make files and storage fit together.
    if (error instanceof RegistryError && error.code === 'CONFLICT' && this.#file === null)
      return this.end('BLOCKED', error.message, { errorCode });
    return this.end('FAILED', messageOf(error), { errorCode });
  }
}
