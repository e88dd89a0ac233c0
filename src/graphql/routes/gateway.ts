import { authorize } from '../../auth/permissions.js';
import { type GatewayRecord, listGateways, maxGateways } from '../../registry/access/gateway-record.js';
import { builder } from '../builder.js';

const Gateway = builder.objectRef<GatewayRecord>('Gateway').implement({
  description: 'A process that follows the change log and answers resolutions; mutations wait for it.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'UUID that the process chose at its start.' }),
    hostname: t.exposeString('hostname', { description: 'Host or container of the process.' }),
    version: t.exposeString('version', {
      nullable: true,
      description:
        'Version of the package that the process runs, such as `1.4.0`; null for a gateway that is too old to report it.',
    }),
    revision: t.field({
      type: 'Revision',
      nullable: true,
      description: 'Revision up to which it has applied every change; null before its first report.',
      resolve: ({ revision }) => revision,
    }),
    lag: t.exposeInt('lag', {
      nullable: true,
      description:
        'Number of revisions that it has not reported yet; null when it has not read the present change log.',
    }),
    stalenessMs: t.exposeInt('stalenessMs', {
      description: 'Staleness bound of the process, in milliseconds: how long it trusts what it has read.',
    }),
    isReporting: t.exposeBoolean('isReporting', {
      description:
        'Whether its last report is younger than its staleness bound. A process without reports has no lease and ' +
        'answers no resolution from memory.',
    }),
    startedAt: t.field({
      type: 'DateTime',
      description: 'When the process began to follow the change log.',
      resolve: ({ startedAt }) => startedAt,
    }),
    reportedAt: t.field({
      type: 'DateTime',
      description: 'When the process reported last, by the clock of the database.',
      resolve: ({ reportedAt }) => reportedAt,
    }),
  }),
});

builder.queryField('gateways', (t) =>
  t.field({
    type: [Gateway],
    description:
      `Gateways of this registry, ordered by host name; at most ${maxGateways}, those with the newest reports. A stopped ` +
      'one stays in the list until the next mutation that waits. Scope: registry:read.',
    resolve: (_root, _args, { caller, commands }) => {
      authorize(caller, 'readRegistry');
      return listGateways(commands.database);
    },
  }),
);
