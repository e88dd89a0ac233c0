/** Provisioning that took place before the registry, as an older platform has logged it. It is history: nothing repeats it. */
import { createHash } from 'node:crypto';
import type { Operation } from '../../../database/generated/prisma/client.js';
import type { RegistryDatabase, Transaction } from '../../../database/registry-database.js';
import type { Statement } from '../../../database/statements/batch.js';

export interface PastAttempt {
  /** The same in every import. */
  key: string;
  module: string;
  kind: 'SUBSCRIBE_TENANT' | 'PROVISION_MODULE' | 'REMOVE_STORAGE';
  status: 'SUCCEEDED' | 'FAILED' | 'CANCELLED';
  /** The action, in the words of the platform. */
  step: string;
  actor: string | undefined;
  error: string | undefined;
  createdAt: Date;
  finishedAt: Date;
}

/** Actor of such operations, followed by the name in the old log where it has one. */
const pastActor = 'before-registry';

export function isPast({ actor }: Pick<Operation, 'actor'>): boolean {
  return actor === pastActor || actor.startsWith(`${pastActor}:`);
}

/** The id of the operation of an attempt: a UUID of version 8, the same in every import. */
export function pastOperationId(tenantId: string, { key }: Pick<PastAttempt, 'key'>): string {
  const digest = createHash('sha256').update(`${tenantId}/${key}`).digest('hex');
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}

/** Inserts the operations of a tenant's attempts, each with one step. Those that an earlier import inserted stay as they are. */
export async function insertPastAttempts(
  tx: Transaction,
  tenantId: string,
  attempts: readonly PastAttempt[],
): Promise<void> {
  if (attempts.length === 0) return;
  const rows = attempts.map(({ key, kind, status, step, actor, error, module, createdAt, finishedAt }) => ({
    id: pastOperationId(tenantId, { key }),
    kind: kind.toLowerCase(),
    status: status.toLowerCase(),
    step,
    module,
    actor: actor === undefined ? pastActor : `${pastActor}:${actor}`,
    error: status === 'SUCCEEDED' ? null : (error ?? null),
    created_at: createdAt.toISOString(),
    finished_at: finishedAt.toISOString(),
  }));
  const values = [tenantId, JSON.stringify(rows)];
  await tx.send(...[operations, steps].map((text): Statement => ({ text, values })));
}

const attemptRows = `jsonb_to_recordset($2::jsonb) AS past (id uuid, kind text, status text, step text, module text, actor text,
  error text, created_at timestamptz, finished_at timestamptz)`;

const operations = `
  INSERT INTO operations (id, kind, tenant_id, status, actor, error, created_at, started_at, finished_at)
  SELECT DISTINCT ON (id) id, kind::operation_kind, $1::uuid, status::operation_status, actor, error, created_at, created_at, finished_at
  FROM ${attemptRows} ORDER BY id ON CONFLICT (id) DO NOTHING`;

const steps = `
  INSERT INTO operation_steps (operation_id, position, name, module, status, error, started_at, finished_at)
  SELECT DISTINCT ON (id) id, 0, step, module, status::operation_status, error, created_at, finished_at
  FROM ${attemptRows} WHERE $1::uuid IS NOT NULL ORDER BY id ON CONFLICT DO NOTHING`;

/** The ids of all operations of these tenants that took place before the registry. */
export async function listPastOperations(
  { query }: Pick<RegistryDatabase, 'query'>,
  tenantIds: readonly string[],
): Promise<Set<string>> {
  const { rows } = await query(
    `SELECT id FROM operations WHERE tenant_id = ANY ($1::uuid[]) AND (actor = $2 OR starts_with(actor, $2 || ':'))`,
    [[...tenantIds], pastActor],
  );
  return new Set(rows.map(({ id }): string => id));
}
