import { authorize } from '../../auth/permissions.js';
import { Isolation } from '../../database/generated/prisma/enums.js';
import { registerModule } from '../../registry/commands/register-module.js';
import { updateModule } from '../../registry/commands/update-module.js';
import { builder } from '../builder.js';
import { expectedVersionField, waitField } from '../fields/mutation-input.js';
import { Node } from '../fields/node.js';
import type { PayloadFields } from '../fields/revision-field.js';
import { mutation } from '../mutation.js';

export const IsolationType = builder.enumType('Isolation', {
  description: 'Separation of the tenants’ data in a module.',
  values: {
    [Isolation.SCHEMA]: { description: 'One schema per tenant in the module’s database.' },
    [Isolation.DATABASE]: { description: 'One database per tenant on the module’s server.' },
  } as const,
});

/** Ids of modules are names, and must be no id of anything else. */
export const moduleIdPrefix = 'module:';

const ModuleType = builder.prismaObject('Module', {
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

function moduleField<Shape extends { moduleName: string }>(t: PayloadFields<Shape>) {
  return t.prismaField({
    type: ModuleType,
    description: 'The module after the change.',
    resolve: (query, { moduleName }, _args, context) =>
      context.prisma.module.findUniqueOrThrow({ ...query, where: { name: moduleName } }),
  });
}

mutation('registerModule', {
  command: registerModule,
  description: 'Registers a module. Scope: registry:write. Errors: CONFLICT when the name is taken.',
  input: (t) => ({
    name: t.field({
      type: 'ModuleName',
      required: true,
      description: 'Name of the new module; it cannot be changed later.',
    }),
    description: t.string({ description: 'Purpose of the module, at most 500 characters.' }),
    databaseRef: t.string({
      description: 'Environment variable with the URL of the module’s database. Default: `<NAME>_DB_URL`.',
    }),
    schemaPrefix: t.string({
      description: 'Prefix of generated names, at most 20 characters. Default: the name followed by `_`.',
    }),
    isolation: t.field({
      type: IsolationType,
      description: 'Isolation of new subscriptions. Default: SCHEMA.',
    }),
    migrationsFolder: t.string({
      description: 'Folder in MODULES_DIR with the module’s migrations. Default: the name of the module.',
    }),
    wait: waitField(t),
  }),
  payload: (t) => ({
    module: moduleField(t),
  }),
});

mutation('updateModule', {
  command: updateModule,
  description:
    'Changes a module. Scope: registry:write. Errors: MODULE_NOT_FOUND, VERSION_CONFLICT, CONFLICT when ' +
    'the database would change although it contains data of tenants.',
  input: (t) => ({
    name: t.field({ type: 'ModuleName', required: true, description: 'Name of the module to change.' }),
    description: t.string({ description: 'Purpose of the module, at most 500 characters.' }),
    databaseRef: t.string({
      description:
        'Environment variable with the URL of the module’s database. It can be changed only while the module ' +
        'has no subscription.',
    }),
    schemaPrefix: t.string({
      description: 'Prefix of names generated from now on; existing subscriptions keep their names.',
    }),
    isolation: t.field({
      type: IsolationType,
      description: 'Isolation of subscriptions created from now on.',
    }),
    migrationsFolder: t.string({ description: 'Folder in MODULES_DIR with the module’s migrations.' }),
    expectedVersion: expectedVersionField(t),
    wait: waitField(t),
  }),
  payload: (t) => ({
    module: moduleField(t),
  }),
});
