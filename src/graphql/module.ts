import { authorize } from '../auth/permissions.js';
import { Isolation } from '../database/generated/prisma/enums.js';
import { registerModule } from '../registry/commands/register-module.js';
import { updateModule } from '../registry/commands/update-module.js';
import { builder } from './builder.js';
import { execute } from './context.js';
import { expectedVersionField, idempotencyKeyField, waitField } from './mutation-input.js';
import { type PayloadFields, revisionField } from './revision-field.js';

export const IsolationType = builder.enumType('Isolation', {
  description: 'How a module keeps its tenants apart.',
  values: {
    [Isolation.SCHEMA]: { description: 'A schema per tenant in the module’s database.' },
    [Isolation.DATABASE]: { description: 'A database per tenant on the module’s server.' },
  } as const,
});

const ModuleType = builder.prismaObject('Module', {
  description:
    'A service’s kind of data that tenants subscribe to, such as finance. Modules are rows: add one at run time.',
  fields: (t) => ({
    name: t.expose('name', { type: 'ModuleName', description: 'Its name; never changes.' }),
    description: t.exposeString('description', { nullable: true, description: 'What the module is for.' }),
    databaseRef: t.exposeString('databaseRef', {
      description: 'The environment variable of the gateway that holds the URL of the module’s database.',
    }),
    databaseName: t.exposeString('databaseName', { description: 'The database behind that variable.' }),
    schemaPrefix: t.exposeString('schemaPrefix', {
      description: 'What issued schema and database names start with.',
    }),
    isolation: t.expose('isolation', {
      type: IsolationType,
      description: 'How new subscriptions keep data apart.',
    }),
    migrationsFolder: t.exposeString('migrationsFolder', {
      description: 'The folder in MODULES_DIR with the SQL files that run in each tenant’s storage.',
    }),
    version: t.exposeInt('version', { description: 'Counts changes; give it back as `expectedVersion`.' }),
  }),
});

builder.queryField('modules', (t) =>
  t.prismaField({
    type: [ModuleType],
    description: 'The module catalogue, by name. Scope: registry:read.',
    resolve: (query, _root, _args, context) => {
      authorize(context.caller, 'readRegistry');
      return context.prisma.module.findMany({ ...query, orderBy: { name: 'asc' } });
    },
  }),
);

function moduleField<Shape extends { moduleName: string }>(t: PayloadFields<Shape>) {
  return t.prismaField({
    type: ModuleType,
    description: 'The module as it is now.',
    resolve: (query, { moduleName }, _args, context) =>
      context.prisma.module.findUniqueOrThrow({ ...query, where: { name: moduleName } }),
  });
}

builder.relayMutationField(
  'registerModule',
  {
    description: 'A new module.',
    inputFields: (t) => ({
      name: t.field({ type: 'ModuleName', required: true, description: 'Its name; never changes.' }),
      description: t.string({ description: 'What the module is for, at most 500 characters.' }),
      databaseRef: t.string({
        description: 'Environment variable with the URL of the module’s database; default `<NAME>_DB_URL`.',
      }),
      schemaPrefix: t.string({
        description: 'What issued names start with, at most 20 characters; default the name and `_`.',
      }),
      isolation: t.field({ type: IsolationType, description: 'Default SCHEMA.' }),
      migrationsFolder: t.string({ description: 'A folder in MODULES_DIR; default the name.' }),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description:
      'Adds a module to the catalogue. Scope: registry:write. Errors: CONFLICT when the name is taken.',
    resolve: (_root, { input }, context) => execute(context, registerModule, input),
  },
  {
    description: 'The new module.',
    outputFields: (t) => ({
      module: moduleField(t),
      revision: revisionField(t),
    }),
  },
);

builder.relayMutationField(
  'updateModule',
  {
    description: 'What changes in a module; what is left out stays.',
    inputFields: (t) => ({
      name: t.field({ type: 'ModuleName', required: true, description: 'Which module.' }),
      description: t.string({ description: 'What the module is for, at most 500 characters.' }),
      databaseRef: t.string({
        description: 'Environment variable with the URL of its database; only while nobody has subscribed.',
      }),
      schemaPrefix: t.string({
        description: 'For names issued from now on; existing subscriptions keep theirs.',
      }),
      isolation: t.field({ type: IsolationType, description: 'For subscriptions from now on.' }),
      migrationsFolder: t.string({ description: 'A folder in MODULES_DIR.' }),
      expectedVersion: expectedVersionField(t),
      idempotencyKey: idempotencyKeyField(t),
      wait: waitField(t),
    }),
  },
  {
    description:
      'Changes a module of the catalogue. Scope: registry:write. Errors: MODULE_NOT_FOUND, VERSION_CONFLICT, CONFLICT ' +
      'when tenants’ data already lives in the old database.',
    resolve: (_root, { input }, context) => execute(context, updateModule, input),
  },
  {
    description: 'The changed module.',
    outputFields: (t) => ({
      module: moduleField(t),
      revision: revisionField(t),
    }),
  },
);
