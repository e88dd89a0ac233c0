import type { PoolUse } from '../../metrics/pool-gauges.js';
import { builder } from '../builder.js';
import { ModuleType } from './module.js';

const ModulePool = builder.objectRef<PoolUse>('ModulePool').implement({
  description:
    'Connections of the gateway that answers to the database of a module. Modules with the same `databaseRef` share them.',
  fields: (t) => ({
    role: t.exposeString('pool', {
      description:
        'Work of the connections: `provisioner` for all work, or `reader` for examinations where the variable ' +
        '`<MODULE>_DB_READ_URL` is set.',
    }),
    busy: t.exposeInt('busy', { description: 'Number of connections that work.' }),
    idle: t.exposeInt('idle', { description: 'Number of open connections without work.' }),
    waiting: t.exposeInt('waiting', { description: 'Number of works that wait for a connection.' }),
  }),
});

builder.prismaObjectFields(ModuleType, (t) => ({
  pools: t.field({
    type: [ModulePool],
    description:
      'Connections of this gateway to the database of the module; none before the gateway has used it. Databases of tenants with ' +
      'isolation DATABASE are not among them.',
    select: { databaseRef: true },
    resolve: ({ databaseRef }, _args, { commands }) =>
      commands.serviceDatabases.readUse().filter(({ database }) => database === databaseRef),
  }),
}));
