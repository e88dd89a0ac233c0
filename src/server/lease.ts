import { z } from 'zod';
import type { Caller } from '../auth/caller.js';
import { viewChanges } from '../auth/change-view.js';
import { mayResolveAny } from '../auth/permissions.js';
import { RegistryError } from '../errors.js';
import type { Change, ChangeView } from '../feed/change.js';
import type { Freshness } from '../feed/freshness.js';
import { readInput, uuid } from '../registry/input.js';
import { formatRevision, readRevision } from '../registry/revision.js';

const LeaseRequest = z.object({
  client: uuid,
  /** The revision whose changes the client has applied to what it holds; left out: it holds nothing. */
  has: z
    .string()
    .regex(/^[0-9a-f]{16}:\d{1,18}$/, 'must be a revision')
    .nullish(),
  /** The client goes away and uses nothing any more, so no acknowledgement waits for it. */
  ends: z.boolean().optional(),
});

/** Entries to drop: of a tenant, of a module, or every refusal. */
interface Invalidation {
  tenantId: string | null;
  tenantSlug: string | null;
  /** External ids that the tenant has or had: answers can be held under each of them. */
  externalIds: readonly string[];
  module: string | null;
  /** Tenants that are none of the client's business changed: it drops its refusals, and its routes stay valid. */
  refusalsOnly?: true;
}

/** Tells a client which entries to drop, and how long it may then trust the others. */
export interface LeaseAnswer {
  /** The client's position once it has dropped them; it sends this as `has` with the next request. */
  revision: string | null;
  /** Counted from the moment the client sent this request; 0: it may trust nothing. */
  leaseRemainingMs: number;
  /** Entries to drop; null: everything. */
  changed: Invalidation[] | null;
}

/** A client that is further behind has to drop everything. */
const maxChanges = 5_000n;

/** Renews a client's lease from memory: the client says which revision it has, and is told which entries changed since. */
export async function renewLease(request: {
  caller: Caller;
  freshness: Pick<Freshness, 'follower' | 'changes' | 'leases'>;
  body: string;
}): Promise<LeaseAnswer> {
  const { caller, freshness } = request;
  if (!mayResolveAny(caller)) throw new RegistryError('FORBIDDEN', 'This needs a key with a resolve scope');
  const { client, has, ends } = readInput(LeaseRequest, readJson(request.body));
  const { follower, changes, leases } = freshness;
  if (ends) {
    leases.end({ actor: caller.actor, client });
    return { revision: null, leaseRemainingMs: 0, changed: null };
  }
  const { position, leaseRemainingMs } = follower;
  if (!position) return { revision: null, leaseRemainingMs: 0, changed: null };
  const held = has ? readRevision(has) : undefined;
  const canContinue =
    held?.epoch === position.epoch &&
    held.number <= position.revision &&
    position.revision - held.number <= maxChanges;
  // Granted before anything is awaited: a change that commits meanwhile has to wait for this client.
  leases.grant(
    { actor: caller.actor, client },
    {
      confirmed: canContinue ? held.number : undefined,
      current: position.revision,
      remainingMs: leaseRemainingMs,
    },
  );
  const changed = (canContinue && (await changes.changesAfter(held.number, position.revision))) || null;
  return {
    revision: formatRevision({ epoch: position.epoch, number: position.revision }),
    leaseRemainingMs: Math.floor(leaseRemainingMs),
    changed: changed && readInvalidations(changed, viewChanges(caller)),
  };
}

function readInvalidations(changes: readonly Change[], view: ChangeView): Invalidation[] {
  const seen = changes.map((change) => ({ change, as: view(change) }));
  const invalidations: Invalidation[] = seen
    .filter(({ as }) => as === 'whole')
    .map(({ change: { tenantId, tenantSlug, externalIds, module } }) => ({
      tenantId,
      tenantSlug,
      externalIds,
      module,
    }));
  // A client that does not know the mark drops everything, which is safe.
  if (seen.some(({ as }) => as === 'refusals'))
    invalidations.push({
      tenantId: null,
      tenantSlug: null,
      externalIds: [],
      module: null,
      refusalsOnly: true,
    });
  return invalidations;
}

function readJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new RegistryError(
      'VALIDATION_ERROR',
      'The body must be JSON such as {"client": "<uuid>", "has": "<revision>"}',
    );
  }
}
