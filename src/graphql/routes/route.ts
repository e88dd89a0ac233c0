import { authorize } from '../../auth/permissions.js';
import { type ErrorCode, invalidField, RegistryError } from '../../errors.js';
import { readMinMigration } from '../../registry/resolution/migration-gate.js';
import type { ExplainedResolution } from '../../registry/resolution/reader.js';
import type { Resolution, Route } from '../../registry/resolution/route.js';
import { formatRevision } from '../../registry/revision.js';
import { builder } from '../builder.js';
import { ErrorCodeType } from '../fields/error-code.js';
import { IsolationType } from '../modules/module.js';

/** How many keys one tenantSchemas may ask for. */
const maxKeys = 500;

const Consistency = builder.enumType('Consistency', {
  description: 'Source from which a resolution may be answered.',
  values: {
    CACHED: { description: 'Any cache entry that is proven to be current. This is the default.' },
    STRONG: { description: 'The primary database, read for this request.' },
  } as const,
});

export const TenantSchema = builder.objectRef<Route>('TenantSchema').implement({
  description: 'Location of a tenant’s data in one module: what a service needs before its first query.',
  fields: (t) => ({
    tenantId: t.exposeID('tenantId', {
      description: 'UUID of the tenant, even when the request contains its slug.',
    }),
    tenantSlug: t.exposeString('tenantSlug', { description: 'Slug of the tenant.' }),
    externalId: t.exposeString('externalId', {
      nullable: true,
      description:
        'External id with which the tenant was requested; null when the request contains its UUID or slug.',
    }),
    module: t.expose('module', { type: 'ModuleName', description: 'The requested module.' }),
    schemaName: t.exposeString('schemaName', { description: 'Unquoted name of the schema.' }),
    searchPath: t.exposeString('searchPath', {
      description:
        'Quoted value for `SET LOCAL search_path = …` inside a transaction. It contains only the tenant’s ' +
        'schema, so that no table is found in `public` by accident.',
    }),
    databaseName: t.exposeString('databaseName', {
      description: 'Name of the database that contains the schema.',
    }),
    isolation: t.expose('isolation', { type: IsolationType, description: 'Isolation of the tenant’s data.' }),
    generation: t.exposeInt('generation', {
      description: 'Generation of the tenant’s binding to this location.',
    }),
    revision: t.expose('revision', {
      type: 'Revision',
      description: 'The registry’s revision at which the route was read.',
    }),
    config: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'Configuration of the tenant, at least as new as `revision`; secrets in it are references. Scope: registry:read.',
      resolve: ({ tenantId, revision }, _args, { caller, reader }) => {
        authorize(caller, 'readRegistry');
        return reader.config(tenantId, revision);
      },
    }),
    isConfigFile: t.boolean({
      description:
        'Whether `config` is the content of a client.yaml file. Such a file changes without a new ' +
        '`revision`, so use the value once and query it again. Scope: registry:read.',
      resolve: ({ tenantId, revision }, _args, { caller, reader }) => {
        authorize(caller, 'readRegistry');
        return reader.isConfigFile(tenantId, revision);
      },
    }),
    migrationVersion: t.exposeString('migrationVersion', {
      nullable: true,
      description:
        'Newest migration that ran in the storage, such as finance/0007_invoices.sql, with all files before it; null for ' +
        'storage that was adopted and never migrated by the registry.',
    }),
    leaseRemainingMs: t.int({
      description:
        'Time for which the route may be reused, in milliseconds from the sending of the request; 0 when ' +
        'each use needs a new request. A client that selects this field is assumed to reuse the route: ' +
        '`wait: EVERYWHERE` waits for that time, or until the client reports to /lease.',
      resolve: ({ leaseRemainingMs }, _args, { shared, caller, client }) => {
        const revision = shared.follower.position?.revision;
        if (
          leaseRemainingMs > 0 &&
          revision !== undefined &&
          !(client && shared.leases.extend({ actor: caller.actor, client }, leaseRemainingMs))
        )
          shared.leases.grantUnnamed(revision, leaseRemainingMs);
        return leaseRemainingMs;
      },
    }),
  }),
});

interface Refusal {
  error: RegistryError;
  tenantId: string;
  module: string;
  /** Revision; undefined when nothing was read or the refusal must not be kept. Not "revision": that of a route is never null, which a union can't mix. */
  asOf: string | undefined;
}

/** Refusals that may end without a new revision: the start and the end of a rollout change no route. */
const endsUnseen: ReadonlySet<ErrorCode> = new Set(['SCHEMA_BEHIND', 'SCHEMA_MIGRATING']);

const TenantSchemaRefusal = builder.objectRef<Refusal>('TenantSchemaRefusal').implement({
  description: 'Reason why one key of tenantSchemas has no route.',
  fields: (t) => ({
    code: t.field({
      type: ErrorCodeType,
      description: 'Error code, such as TENANT_SUSPENDED or MODULE_NOT_SUBSCRIBED.',
      resolve: ({ error }) => error.code,
    }),
    message: t.string({
      description: 'Message for people, with the problem and its solution.',
      resolve: ({ error }) => error.message,
    }),
    tenantId: t.exposeID('tenantId', {
      description: 'Id, slug or external id of the tenant as in the request.',
    }),
    module: t.expose('module', { type: 'ModuleName', description: 'Name of the module as in the request.' }),
    asOf: t.field({
      type: 'Revision',
      nullable: true,
      description:
        'The registry’s revision at which the refusal was read; null when nothing was read, or when the refusal can end ' +
        'without a new revision and must not be kept: SCHEMA_BEHIND and SCHEMA_MIGRATING.',
      resolve: ({ asOf }) => asOf,
    }),
  }),
});

const TenantSchemaResult = builder.unionType('TenantSchemaResult', {
  description: 'Result for one key of tenantSchemas: a route or a refusal.',
  types: [TenantSchema, TenantSchemaRefusal],
  resolveType: (value) => ('error' in value ? TenantSchemaRefusal : TenantSchema),
});

const TenantSchemaKey = builder.inputType('TenantSchemaKey', {
  description: 'A tenant and a module to resolve.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The tenant’s UUID, slug or external id.' }),
    module: t.field({ type: 'ModuleName', required: true, description: 'Name of the module.' }),
    minMigration: t.string({ description: minMigrationDescription }),
  }),
});

export const minMigrationDescription =
  'Oldest migration of the module that the tenant’s data may be at, such as finance/0007_invoices.sql, or the start of its ' +
  'name, such as 0007. A tenant that is behind it is refused: SCHEMA_MIGRATING while a running rollout is about to migrate ' +
  'it, SCHEMA_BEHIND otherwise.';

const refusals =
  'the first that applies of TENANT_NOT_FOUND, TENANT_DELETED, TENANT_SUSPENDED, TENANT_NOT_READY, MODULE_NOT_FOUND, ' +
  'MODULE_NOT_SUBSCRIBED, SCHEMA_MIGRATING, SCHEMA_BEHIND; REGISTRY_UNAVAILABLE or REVISION_NOT_REACHED when the registry cannot answer';

function orThrow(resolution: Resolution): Route {
  if (resolution instanceof RegistryError) throw resolution;
  return resolution;
}

builder.queryFields((t) => ({
  tenantSchema: t.field({
    type: TenantSchema,
    nullable: true,
    description:
      'Resolves a tenant and a module to a route. The result is never null without an error. Errors: ' +
      `${refusals}. Scope: resolve:<module>.`,
    args: {
      id: t.arg.id({ required: true, description: 'The tenant’s UUID, slug or external id.' }),
      module: t.arg({ type: 'ModuleName', required: true, description: 'Name of the module.' }),
      consistency: t.arg({
        type: Consistency,
        defaultValue: 'CACHED',
        description: 'Source from which the request may be answered.',
      }),
      minRevision: t.arg({ type: 'Revision', description: 'Lowest revision that the answer may have.' }),
      minMigration: t.arg.string({ description: minMigrationDescription }),
    },
    // No async function: a route from memory is answered without a promise.
    resolve: (_root, { id, module, consistency, minRevision, minMigration }, { reader }) => {
      const resolution = reader.resolve({
        reference: id,
        module,
        consistency: consistency ?? 'CACHED',
        minRevision: minRevision ?? undefined,
        minMigration: readMinMigration(minMigration, 'minMigration'),
      });
      return resolution instanceof Promise ? resolution.then(orThrow) : orThrow(resolution);
    },
  }),
  tenantSchemas: t.field({
    type: [TenantSchemaResult],
    description:
      `Resolves at most ${maxKeys} keys. The results are in the order of the keys; each is a route or a ` +
      `refusal: ${refusals}, FORBIDDEN for a module that the API key has no scope for. Scope: ` +
      'resolve:<module> for each module.',
    args: {
      keys: t.arg({
        type: [TenantSchemaKey],
        required: true,
        description: `Keys to resolve, at most ${maxKeys}.`,
      }),
      minRevision: t.arg({ type: 'Revision', description: 'Lowest revision that the answer may have.' }),
    },
    resolve: (_root, { keys, minRevision }, { reader }) => {
      if (keys.length > maxKeys) throw invalidField('keys', `must be at most ${maxKeys}, not ${keys.length}`);
      const toAnswers = (explained: ExplainedResolution[]) =>
        explained.map(({ resolution, answer }, at) => {
          if (!(resolution instanceof RegistryError)) return resolution;
          const mayKeep = answer && !endsUnseen.has(resolution.code);
          const asOf = mayKeep ? formatRevision({ epoch: answer.epoch, number: answer.asOf }) : undefined;
          const { id, module } = keys[at] as (typeof keys)[number];
          return { error: resolution, tenantId: id, module, asOf };
        });
      const explained = reader.explainAll(
        keys.map(({ id, module, minMigration }, at) => ({
          reference: id,
          module,
          consistency: 'CACHED',
          minRevision: minRevision ?? undefined,
          minMigration: readMinMigration(minMigration, `keys.${at}.minMigration`),
        })),
      );
      return explained instanceof Promise ? explained.then(toAnswers) : toAnswers(explained);
    },
  }),
}));
