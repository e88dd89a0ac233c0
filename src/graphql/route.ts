import { authorize } from '../auth/permissions.js';
import { invalidField, RegistryError } from '../errors.js';
import type { ExplainedResolution } from '../registry/reader.js';
import { formatRevision } from '../registry/revision.js';
import type { Resolution, Route } from '../registry/route.js';
import { builder } from './builder.js';
import { IsolationType } from './module.js';

/** How many keys one tenantSchemas may ask for. */
const maxKeys = 500;

const Consistency = builder.enumType('Consistency', {
  description: 'How a resolution may be answered.',
  values: {
    CACHED: { description: 'From whatever is proven to be current; the default.' },
    STRONG: { description: 'Read from the primary database for this request.' },
  } as const,
});

export const TenantSchema = builder.objectRef<Route>('TenantSchema').implement({
  description: 'Where a tenant’s data of a module is: what a service needs before its first query.',
  fields: (t) => ({
    tenantId: t.exposeID('tenantId', { description: 'UUID of the tenant, also when a slug was asked for.' }),
    tenantSlug: t.exposeString('tenantSlug', { description: 'Slug of the tenant.' }),
    module: t.expose('module', { type: 'ModuleName', description: 'The module asked for.' }),
    schemaName: t.exposeString('schemaName', { description: 'Name of the schema, unquoted.' }),
    searchPath: t.exposeString('searchPath', {
      description:
        'Quoted, ready for `SET LOCAL search_path = …` inside a transaction: the tenant’s schema alone, so that nothing ' +
        'falls through to `public`.',
    }),
    databaseName: t.exposeString('databaseName', { description: 'Database that holds the schema.' }),
    isolation: t.expose('isolation', { type: IsolationType, description: 'Schema or database of its own.' }),
    generation: t.exposeInt('generation', { description: 'Which binding of the tenant to a place this is.' }),
    revision: t.expose('revision', {
      type: 'Revision',
      description: 'The registry’s revision at which it was read.',
    }),
    config: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'The tenant’s configuration, at least as new as `revision`; secrets in it are references. Scope: registry:read.',
      resolve: ({ tenantId, revision }, _args, { caller, reader }) => {
        authorize(caller, 'readRegistry');
        return reader.config(tenantId, revision);
      },
    }),
    isConfigFile: t.boolean({
      description:
        'Whether `config` is a client.yaml still: that changes without a new `revision`, so use it once and ask again. Scope: ' +
        'registry:read.',
      resolve: ({ tenantId, revision }, _args, { caller, reader }) => {
        authorize(caller, 'readRegistry');
        return reader.isConfigFile(tenantId, revision);
      },
    }),
    leaseRemainingMs: t.int({
      description:
        'For how long, in milliseconds from the sending of the request, it may be used again; 0: ask each time. Who asks ' +
        'for it is taken to use it: `wait: EVERYWHERE` waits for that time, or until the client reports to /lease.',
      resolve: ({ leaseRemainingMs }, _args, { shared, client }) => {
        const revision = shared.follower.position?.revision;
        if (
          leaseRemainingMs > 0 &&
          revision !== undefined &&
          !(client && shared.leases.extend(client, leaseRemainingMs))
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
  /** Revision; undefined when nothing was read. Not "revision": that of a route is never null, which a union can't mix. */
  asOf: string | undefined;
}

const TenantSchemaRefusal = builder.objectRef<Refusal>('TenantSchemaRefusal').implement({
  description: 'Why one key of tenantSchemas has no route.',
  fields: (t) => ({
    code: t.string({
      description: 'One of the error codes, such as TENANT_SUSPENDED or MODULE_NOT_SUBSCRIBED.',
      resolve: ({ error }) => error.code,
    }),
    message: t.string({
      description: 'For people: what is the matter and the way out.',
      resolve: ({ error }) => error.message,
    }),
    tenantId: t.exposeID('tenantId', { description: 'Id or slug as it was asked for.' }),
    module: t.expose('module', { type: 'ModuleName', description: 'Module as it was asked for.' }),
    asOf: t.field({
      type: 'Revision',
      nullable: true,
      description: 'The registry’s revision at which it was read; null when nothing was read.',
      resolve: ({ asOf }) => asOf,
    }),
  }),
});

const TenantSchemaResult = builder.unionType('TenantSchemaResult', {
  description: 'The answer to one key: a route or a refusal.',
  types: [TenantSchema, TenantSchemaRefusal],
  resolveType: (value) => ('error' in value ? TenantSchemaRefusal : TenantSchema),
});

const TenantSchemaKey = builder.inputType('TenantSchemaKey', {
  description: 'A tenant and a module.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'UUID or slug of the tenant.' }),
    module: t.field({ type: 'ModuleName', required: true, description: 'The module.' }),
  }),
});

const refusals =
  'the first that matches of TENANT_NOT_FOUND, TENANT_DELETED, TENANT_SUSPENDED, TENANT_NOT_READY, MODULE_NOT_FOUND, ' +
  'MODULE_NOT_SUBSCRIBED, SCHEMA_MIGRATING; REGISTRY_UNAVAILABLE and REVISION_NOT_REACHED when the registry cannot tell';

function orThrow(resolution: Resolution): Route {
  if (resolution instanceof RegistryError) throw resolution;
  return resolution;
}

builder.queryFields((t) => ({
  tenantSchema: t.field({
    type: TenantSchema,
    nullable: true,
    description: `Where a tenant’s data of a module is. Never null without an error: ${refusals}. Scope: resolve:<module>.`,
    args: {
      id: t.arg.id({ required: true, description: 'UUID or slug of the tenant.' }),
      module: t.arg({ type: 'ModuleName', required: true, description: 'The module.' }),
      consistency: t.arg({
        type: Consistency,
        defaultValue: 'CACHED',
        description: 'How it may be answered.',
      }),
      minRevision: t.arg({ type: 'Revision', description: 'The answer must be at least as new as this.' }),
    },
    // No async function: a route from memory is answered without a promise.
    resolve: (_root, { id, module, consistency, minRevision }, { reader }) => {
      const resolution = reader.resolve({
        reference: id,
        module,
        consistency: consistency ?? 'CACHED',
        minRevision: minRevision ?? undefined,
      });
      return resolution instanceof Promise ? resolution.then(orThrow) : orThrow(resolution);
    },
  }),
  tenantSchemas: t.field({
    type: [TenantSchemaResult],
    description:
      `Many at once, at most ${maxKeys}, in the order of the keys, each with its own route or refusal: ${refusals}, ` +
      'FORBIDDEN for a module the key has no scope for. Scope: resolve:<module> of each.',
    args: {
      keys: t.arg({
        type: [TenantSchemaKey],
        required: true,
        description: `What to resolve, at most ${maxKeys} keys.`,
      }),
      minRevision: t.arg({ type: 'Revision', description: 'The answers must be at least as new as this.' }),
    },
    resolve: (_root, { keys, minRevision }, { reader }) => {
      if (keys.length > maxKeys) throw invalidField('keys', `must be at most ${maxKeys}, not ${keys.length}`);
      const toAnswers = (explained: ExplainedResolution[]) =>
        explained.map(({ resolution, answer }, at) => {
          if (!(resolution instanceof RegistryError)) return resolution;
          const asOf = answer && formatRevision({ epoch: answer.epoch, number: answer.asOf });
          const { id, module } = keys[at] as (typeof keys)[number];
          return { error: resolution, tenantId: id, module, asOf };
        });
      const explained = reader.explainAll(
        keys.map(({ id, module }) => ({
          reference: id,
          module,
          consistency: 'CACHED',
          minRevision: minRevision ?? undefined,
        })),
      );
      return explained instanceof Promise ? explained.then(toAnswers) : toAnswers(explained);
    },
  }),
}));
