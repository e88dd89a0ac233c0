import { registerModule } from '../../registry/commands/register-module.js';
import { removeModule } from '../../registry/commands/remove-module.js';
import { retireModule } from '../../registry/commands/retire-module.js';
import { updateModule } from '../../registry/commands/update-module.js';
import { expectedVersionField, waitField } from '../fields/mutation-input.js';
import type { PayloadFields } from '../fields/revision-field.js';
import { mutation } from '../mutation.js';
import { IsolationType, ModuleType } from './module.js';

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
    isRetired: t.boolean({
      description: 'Whether the module is retired; false brings a retired module back.',
    }),
    expectedVersion: expectedVersionField(t),
    wait: waitField(t),
  }),
  payload: (t) => ({
    module: moduleField(t),
  }),
});

mutation('retireModule', {
  command: retireModule,
  description:
    'Retires a module: it takes no new subscriptions, and existing ones go on. updateModule with ' +
    '`isRetired: false` brings it back. Scope: registry:write. Errors: MODULE_NOT_FOUND, CONFLICT when it is ' +
    'retired already, VERSION_CONFLICT.',
  input: (t) => ({
    name: t.field({ type: 'ModuleName', required: true, description: 'Name of the module to retire.' }),
    expectedVersion: expectedVersionField(t),
    wait: waitField(t),
  }),
  payload: (t) => ({
    module: moduleField(t),
  }),
});

mutation('removeModule', {
  command: removeModule,
  description:
    'Removes a module in which no tenant ever had data, such as one that was registered by mistake; its ' +
    'routes answer MODULE_NOT_FOUND from now on. Its cancelled subscriptions go with it. A module that was in ' +
    'use stays, because its names stay reserved: retireModule retires it. Scope: registry:write. Errors: ' +
    'MODULE_NOT_FOUND, CONFLICT when it has subscriptions or had data, VERSION_CONFLICT.',
  input: (t) => ({
    name: t.field({ type: 'ModuleName', required: true, description: 'Name of the module to remove.' }),
    expectedVersion: expectedVersionField(t),
    wait: waitField(t),
  }),
  payload: (t) => ({
    name: t.field({
      type: 'ModuleName',
      description: 'Name of the removed module; it may be registered again.',
      resolve: ({ moduleName }) => moduleName,
    }),
  }),
});
