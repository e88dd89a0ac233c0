import { authorize } from '../../auth/permissions.js';
import { Isolation } from '../../database/generated/prisma/enums.js';
import { findLatestMigration } from '../../provisioning/storage/module-migrations.js';
import { builder } from '../builder.js';
import { Node } from '../fields/node.js';
import { SubscriptionStatusCount } from './subscription-status.js';

export const IsolationType = builder.enumType('Isolation', {
  description: 'Separation of the tenants’ data in a module.',
  values: {
    [Isolation.SCHEMA]: { description: 'One schema per tenant in the module’s database.' },
    [Isolation.DATABASE]: { description: 'One database per tenant on the module’s server.' },
  } as const,
});

/** Ids of modules are names, and must be no id of anything else. */
export const moduleIdPrefix = 'module:';

export const ModuleType = builder.prismaObject('Module', {
  interfaces: [Node],
  description:
    'A kind of data that a service keeps for its tenants, such as finance. Modules are rows: ' +
    'registerModule adds one at run time.',
  fields: (t) => ({
    id: t.id({
      description: 'Id for `node`: `module:` and the name.',
      select: { name: true },
      resolve: ({ name }) => `${moduleIdPrefix}${name}`,
    }),
    name: t.expose('name', { type: 'ModuleName', description: 'Name of the module; it never changes.' }),
    description: t.exposeString('description', { nullable: true, description: 'Purpose of the module.' }),
    databaseRef: t.exposeString('databaseRef', {
      description: 'Environment variable of the gateway that holds the URL of the module’s database.',
    }),
    databaseName: t.exposeString('databaseName', { description: 'Name of the database in that URL.' }),
    schemaPrefix: t.exposeString('schemaPrefix', {
      description: 'Prefix of generated schema and database names.',
    }),
    isolation: t.expose('isolation', {
      type: IsolationType,
      description: 'Isolation of new subscriptions.',
    }),
    migrationsFolder: t.exposeString('migrationsFolder', {
      description: 'Folder in MODULES_DIR with the SQL files that run in each tenant’s storage.',
    }),
    isConfigured: t.boolean({
      description:
        'Whether this gateway has a usable URL of the module’s database; /ready names the variable that is missing.',
      select: { databaseRef: true },
      resolve: ({ databaseRef }, _args, { commands }) =>
        commands.serviceDatabases.findProblem(databaseRef) === undefined,
    }),
    latestMigration: t.string({
      nullable: true,
      description:
        'Last migration that new storage of the module gets, as this gateway has it in MODULES_DIR, such as ' +
        '`finance/0002_invoice_numbering.sql`; compare it with `ModuleSubscription.migrationVersion`. Null when there is none.',
      select: { migrationsFolder: true },
      resolve: ({ migrationsFolder }, _args, { commands }) =>
        findLatestMigration(commands.modulesDir, migrationsFolder),
    }),
    subscriptionCounts: t.field({
      type: [SubscriptionStatusCount],
      description: 'Number of subscriptions to the module by status; statuses without any are left out.',
      select: { name: true },
      resolve: ({ name }, _args, context) => context.subscriptionCounts.load(name),
    }),
    isRetired: t.boolean({
      description: 'Whether the module takes no new subscriptions; existing ones go on.',
      select: { retiredAt: true },
      resolve: ({ retiredAt }) => retiredAt !== null,
    }),
    retiredAt: t.expose('retiredAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the module was retired; null when it is not retired.',
    }),
    version: t.exposeInt('version', {
      description: 'Version of the module; every change increases it. Pass it as `expectedVersion`.',
    }),
  }),
});

builder.queryField('modules', (t) =>
  t.prismaField({
    type: [ModuleType],
    description: 'All modules, ordered by name. Scope: registry:read.',
    resolve: (query, _root, _args, context) => {
      authorize(context.caller, 'readRegistry');
      return context.prisma.module.findMany({ ...query, orderBy: { name: 'asc' } });
    },
  }),
);

builder.queryField('module', (t) =>
  t.prismaField({
    type: ModuleType,
    nullable: true,
    description: 'A module by its name; null when there is none. Scope: registry:read.',
    args: { name: t.arg({ type: 'ModuleName', required: true, description: 'Name of the module to read.' }) },
    resolve: (query, _root, { name }, context) => {
      authorize(context.caller, 'readRegistry');
      return context.prisma.module.findUnique({ ...query, where: { name } });
    },
  }),
);
