import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Caller } from '../../src/auth/caller.js';
import { viewChanges } from '../../src/auth/change-view.js';
import { Knowledge } from '../../src/client/resolution/knowledge.js';
import { formatRevision } from '../../src/client/resolution/route.js';
import type { ChangeView } from '../../src/feed/change.js';
import { type Edit, epoch, externalIdOf, idOf, modules, tenants, ViewWorld } from './support/view-world.js';

const callerWith = (...scopes: string[]): Caller => ({
  kind: 'api-key',
  actor: 'api-key:x',
  scopes: new Set(scopes),
});

type Step =
  | { do: 'edit'; edit: Edit }
  /** A renewal at a gateway that is so many revisions behind. */
  | { do: 'renew'; behind: number; readAhead: number }
  /** A lookup that a gateway so many revisions behind answers; the answer arrives after all steps before it. */
  | { do: 'resolve'; reference: string; behind: number }
  /** An event of the stream, of the change that many revisions ago. */
  | { do: 'hear'; behind: number };

const references = tenants.flatMap((tenant) => [tenant, idOf(tenant), externalIdOf(tenant)]);
const edit: fc.Arbitrary<Edit> = fc.record({
  what: fc.constantFrom('tenant', 'subscription', 'subscription', 'module', 'settings', 'external id'),
  tenant: fc.constantFrom(...tenants),
  module: fc.constantFrom(...modules),
  // Half of the edits make something active, so that routes are common.
  status: fc.oneof(fc.constant(0), fc.nat(5)),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('edit' as const), edit }),
  fc.record({ do: fc.constant('renew' as const), behind: fc.nat(3), readAhead: fc.nat(3) }),
  fc.record({
    do: fc.constant('resolve' as const),
    reference: fc.constantFrom(...references),
    behind: fc.nat(4),
  }),
  fc.record({ do: fc.constant('hear' as const), behind: fc.nat(2) }),
);

/** One tenant resolves, one has no subscription, and one does not exist yet. */
const beginning: (Partial<Edit> & Pick<Edit, 'what'>)[] = [
  { what: 'module' },
  { what: 'module', module: 'operations' },
  { what: 'tenant' },
  { what: 'tenant', tenant: 'ben' },
  { what: 'subscription' },
  { what: 'external id' },
];

const revision = (number: number) => formatRevision({ epoch, number });

/** Plays the steps; returns the first entry of the client that is not what the registry says, if there is one. */
function findStale(steps: readonly Step[], view: ChangeView): object | undefined {
  const world = new ViewWorld();
  for (const begin of beginning) world.edit({ tenant: 'ann', module: 'finance', status: 0, ...begin });
  const client = new Knowledge({ clock: () => 0, module: 'finance', maxTenants: 100 });
  let position = world.head;
  client.renew(
    { revision: revision(position), leaseRemainingMs: 1_000, changed: null },
    { at: 0, has: undefined },
  );
  for (const one of steps) {
    if (one.do === 'edit') {
      world.edit(one.edit);
    } else if (one.do === 'renew') {
      const upTo = world.head - one.behind;
      if (upTo < position) continue;
      const changed = world.report(position, upTo, Math.min(world.head, upTo + one.readAhead), view);
      client.renew(
        { revision: revision(upTo), leaseRemainingMs: 1_000, changed },
        { at: 0, has: client.position },
      );
      position = upTo;
    } else if (one.do === 'resolve') {
      const asOf = Math.max(0, world.head - one.behind);
      const resolution = world.resolve(one.reference, 'finance', asOf);
      client.learn(one.reference, { resolution, revision: revision(asOf) });
    } else {
      const of = world.head - one.behind;
      for (const change of of > 0 ? world.report(of - 1, of, of, view) : [])
        client.hear(change, revision(of));
    }
    for (const reference of references) {
      const entry = client.find(reference) as { resolution: object; asOf: number } | undefined;
      const truth = entry && world.resolve(reference, 'finance', Math.max(position, entry.asOf));
      if (entry && JSON.stringify(entry.resolution) !== JSON.stringify(truth))
        return { reference, held: entry.resolution, truth, position };
    }
  }
  return undefined;
}

const holds = (view: ChangeView, numRuns: number) =>
  fc.check(
    fc.property(
      fc.array(step, { minLength: 5, maxLength: 60 }),
      (steps) => findStale(steps, view) === undefined,
    ),
    { numRuns },
  );

describe('the view of a caller withholds no change that alters an answer which its client holds', () => {
  test.each([[['resolve:finance']], [['resolve:finance', 'resolve:operations']], [['resolve:*']], [['*']]])(
    'with %j',
    (scopes) => {
      const { failed, counterexample } = holds(viewChanges(callerWith(...scopes)), 4_500);
      expect([failed, counterexample]).toEqual([false, null]);
    },
  );
});

describe('a view that withholds more is found out:', () => {
  const right = viewChanges(callerWith('resolve:finance'));
  const wrong: [string, ChangeView][] = [
    [
      'nothing of tenants without a subscription',
      (change) => (right(change) === 'whole' ? 'whole' : 'nothing'),
    ],
    [
      'refusals instead of tenants',
      (change) => (change.kind === 'tenant.updated' ? 'refusals' : right(change)),
    ],
    [
      'nothing of external ids',
      (change) => (change.kind.startsWith('external_id') ? 'nothing' : right(change)),
    ],
    [
      'nothing of subscriptions',
      (change) => (change.kind.startsWith('subscription') ? 'nothing' : right(change)),
    ],
    [
      'refusals for subscriptions',
      (change) => (change.kind.startsWith('subscription') ? 'refusals' : right(change)),
    ],
    ['nothing of modules', (change) => (change.kind.startsWith('module') ? 'nothing' : right(change))],
    ['nothing of new tenants', (change) => (change.kind === 'tenant.registered' ? 'nothing' : right(change))],
  ];
  test.each(wrong)('%s', (_what, view) => {
    expect(holds(view, 3_000).failed).toBe(true);
  });
});

describe('a caller with resolve:finance', () => {
  const view = viewChanges(callerWith('resolve:finance'));
  const change = {
    revision: 1n,
    position: 0,
    kind: 'tenant.updated',
    tenantId: 'id',
    tenantSlug: 'slug',
    externalIds: [],
    module: null,
    tenantModules: [],
    previousHash: '',
    hash: '',
  };
  test.each([
    [{ tenantModules: ['operations'] }, 'refusals'],
    [{ tenantModules: [] }, 'refusals'],
    [{ tenantModules: ['finance', 'operations'] }, 'whole'],
    [{ module: 'operations', tenantModules: ['finance', 'operations'] }, 'nothing'],
    [{ module: 'finance', tenantModules: ['finance'] }, 'whole'],
    [{ kind: 'settings.updated', tenantModules: ['operations'] }, 'nothing'],
    [{ kind: 'external_id.created', tenantModules: ['operations'] }, 'refusals'],
    [{ kind: 'external_id.removed', tenantModules: ['finance'] }, 'whole'],
    [{ kind: 'module.updated', tenantId: null, tenantSlug: null, module: 'operations' }, 'refusals'],
    [{ kind: 'module.updated', tenantId: null, tenantSlug: null, module: 'finance' }, 'whole'],
  ])('sees of %j %s', (fields, seen) => {
    expect(view({ ...change, ...fields })).toBe(seen);
  });
});
