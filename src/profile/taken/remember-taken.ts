import type { Transaction } from '../../database/registry-database.js';
import { type Observation, platformLabel, readMemory, type TakenMemory } from './taken-memory.js';
import { loadTakenStates, type TakenState } from './taken-state.js';
import { digestOf, memberParts, memberPath, presence, tenantValues } from './taken-values.js';

const nothing: TakenMemory = { taken: {}, seen: {}, statusChanges: 0 };

/** Everything of a tenant that is remembered, except its status, by path. */
function rememberedValues(state: TakenState): Map<string, unknown> {
  const values = tenantValues(state);
  for (const member of state.members)
    for (const part of memberParts)
      values.set(memberPath(member.email, part), part === 'status' ? presence(member.status) : member[part]);
  return values;
}

/** Remembers a decision in the transaction that carries it out, after everything else is written. */
export async function rememberTaken(tx: Transaction, tenantId: string, seen: Observation): Promise<void> {
  const state = (await loadTakenStates({ prisma: tx }, [tenantId])).get(tenantId);
  if (!state) return;
  const before = state.memory ?? nothing;
  const taken: Record<string, string> = {};
  const put = (path: string, digest: string | undefined) => {
    if (digest !== undefined) taken[path] = digest;
  };
  for (const [path, value] of rememberedValues(state)) put(path, digestOf(value));
  for (const path of seen.kept) {
    delete taken[path];
    put(path, before.taken[path]);
  }
  put('status', seen.status === undefined ? before.taken.status : digestOf(seen.status));
  await writeMemory(tx, tenantId, { ...before, taken, seen: seen.seen });
}

/** Remembers that a change of the status was taken over. */
export async function rememberStatus(tx: Transaction, tenantId: string, status: string): Promise<void> {
  const stored = await tx.takeover.findUnique({ where: { tenantId } });
  const before = readMemory(stored?.memory) ?? nothing;
  const digest = digestOf(status) ?? '';
  await writeMemory(tx, tenantId, {
    taken: { ...before.taken, status: digest },
    seen: { ...before.seen, [platformLabel]: { ...before.seen[platformLabel], status: digest } },
    statusChanges: before.statusChanges + 1,
  });
}

async function writeMemory(tx: Transaction, tenantId: string, memory: TakenMemory): Promise<void> {
  const data = { memory: { ...memory }, updatedAt: new Date() };
  await tx.takeover.upsert({ where: { tenantId }, create: { tenantId, ...data }, update: data });
}
