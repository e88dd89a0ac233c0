import { authorize } from '../../auth/permissions.js';
import { findWatchedRollout, type WatchedRollout } from '../../provisioning/rollout/reads/rollout-watch.js';
import { isOpen, noSuchRollout } from '../../provisioning/rollout/rollout.js';
import { isUuid } from '../../registry/slug.js';
import { builder } from '../builder.js';
import { Rollout } from './rollout.js';

const RolloutEvent = builder.objectRef<WatchedRollout>('RolloutEvent').implement({
  description: 'Event of rolloutProgress.',
  fields: (t) => ({
    rollout: t.field({
      type: Rollout,
      description: 'The rollout at the time of the event.',
      resolve: (rollout, _args, context) => {
        // The event has the numbers already.
        context.rolloutCounts.clear(rollout.id).prime(rollout.id, rollout.counts);
        return rollout;
      },
    }),
    isEnd: t.boolean({
      description: 'Whether this is the last event: the rollout has ended.',
      resolve: (rollout) => !isOpen(rollout),
    }),
  }),
});

builder.subscriptionField('rolloutProgress', (t) =>
  t.field({
    type: RolloutEvent,
    description:
      'Progress of a rollout: one event at once, one for each change of its state or of the numbers of its tenants, and a ' +
      'last one at its end. Scope: registry:read. Errors: NOT_FOUND when there is no such rollout.',
    args: { id: t.arg.id({ required: true, description: 'UUID of the rollout.' }) },
    subscribe: async (_root, { id }, context) => {
      authorize(context.caller, 'readRegistry');
      const rollout = isUuid(id) ? await findWatchedRollout(context.commands.database, id) : undefined;
      if (!rollout) throw noSuchRollout(id);
      return context.shared.limits.rollouts.watch(rollout);
    },
    resolve: (event) => event,
  }),
);
