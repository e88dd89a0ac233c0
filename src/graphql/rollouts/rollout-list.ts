import { queryFromInfo } from '@pothos/plugin-prisma';
import { authorize } from '../../auth/permissions.js';
import { listRolloutPage, rolloutOrder } from '../../provisioning/rollout/reads/rollout-pages.js';
import { builder } from '../builder.js';
import { KeysetPage, readPage } from '../fields/keyset-page.js';
import { Rollout } from './rollout.js';

const RolloutConnection = builder.connectionObject(
  { type: Rollout, name: 'RolloutConnection', description: 'A page of rollouts.' },
  { name: 'RolloutEdge', description: 'A rollout with its cursor.' },
);

builder.queryField('rollouts', (t) =>
  t.connection(
    {
      type: Rollout,
      description: 'Rollouts, newest first. Scope: registry:read. Errors: VALIDATION_ERROR.',
      args: { module: t.arg({ type: 'ModuleName', description: 'Only rollouts of this module.' }) },
      resolve: (_root, { module, ...page }, context, info) => {
        authorize(context.caller, 'readRegistry');
        // The entries have every column, so Pothos does not read them again.
        queryFromInfo({ context, info, path: ['edges', 'node'] });
        const { database } = context.commands;
        const selection = { moduleName: module ?? undefined };
        return new KeysetPage(readPage(page, { ...rolloutOrder, isDescending: true }), {
          list: (listed) => listRolloutPage(database, selection, listed),
        });
      },
    },
    RolloutConnection,
  ),
);
