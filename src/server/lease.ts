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
  /** It goes away and uses nothing any more: nobody has to wait for it. */
  ends: z.boolean().optional(),
});

/** Entries to drop: of a tenant, of a module, or every refusal. */
interface Invalidation {
  tenantId: string | null;
  tenantSlug: string | null;
  module: string | null;
  /** Tenants that are none of the client's business changed: it drops its refusals, and its routes stay valid. */
  refusalsOnly?: true;
}

/** What a client has to do, and for how long it may then trust what it holds. */
export interface LeaseAnswer {
  /** Where the client stands once it has done it; to be given back as `has` with the next request. */
  revision: string | null;
  /** From the moment it sent this request, in milliseconds; 0: it may trust nothing. */
  leaseRemainingMs: number;
  /** What to drop; null: everything. */
  changed: Invalidation[] | null;
}

/** More changes than this are not told one by one. */
const maxChanges = 5_000n;

/** Renews a client's lease, from memory: it says what it has, and hears what of it counts no more. */
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
  // Before anything is awaited: a change of that time must find that somebody is about to trust what it ends.
  leases.grant(
    { actor: caller.actor, client },
    {
      confirmed: canContinue ? held.number : undefined,
      current: position.revision,
      remainingMs: leaseRemainingMs,
    },
  );
  const changed = canContinue ? await changes.changesAfter(held.number, position.revision) : null;
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
    .map(({ change: { tenantId, tenantSlug, module } }) => ({ tenantId, tenantSlug, module }));
  // A client that does not know the mark drops everything, which is safe.
  if (seen.some(({ as }) => as === 'refusals'))
    invalidations.push({ tenantId: null, tenantSlug: null, module: null, refusalsOnly: true });
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
