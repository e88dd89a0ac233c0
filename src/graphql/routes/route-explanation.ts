import { mayResolve, missingScope } from '../../auth/permissions.js';
import { RegistryError } from '../../errors.js';
import { readMinMigration } from '../../registry/resolution/migration-gate.js';
import type { ExplainedResolution } from '../../registry/resolution/reader.js';
import { formatRevision } from '../../registry/revision.js';
import { builder } from '../builder.js';
import { ErrorCodeType } from '../fields/error-code.js';
import { minMigrationDescription, TenantSchema } from './route.js';

const ResolutionGate = builder.enumType('ResolutionGate', {
  description: 'Check that a resolution has to pass. The checks run in this order.',
  values: {
    REGISTRY: { description: 'The registry must be available and recent enough.' },
    TENANT: { description: 'The tenant must exist and be active.' },
    MODULE: { description: 'The module must exist.' },
    SUBSCRIPTION: { description: 'The tenant’s subscription to the module must be active.' },
  } as const,
});

const CacheTier = builder.enumType('CacheTier', {
  description: 'Place from which a result was read.',
  values: {
    MEMORY: { value: 'memory', description: 'The memory of the gateway.' },
    REDIS: { value: 'redis', description: 'Redis, which all gateways share.' },
    DATABASE: { value: 'database', description: 'The primary database of the registry.' },
  } as const,
});

const gateByCode: Record<string, 'REGISTRY' | 'TENANT' | 'MODULE'> = {
  REGISTRY_UNAVAILABLE: 'REGISTRY',
  REVISION_NOT_REACHED: 'REGISTRY',
  TENANT_NOT_FOUND: 'TENANT',
  TENANT_DELETED: 'TENANT',
  MODULE_NOT_FOUND: 'MODULE',
};

/** Codes such as TENANT_SUSPENDED belong to two gates; the status of the tenant decides. */
function gateOf({ resolution, answer }: ExplainedResolution) {
  if (!(resolution instanceof RegistryError)) return null;
  const isTenantActive = answer?.value.tenantStatus === 'active';
  return gateByCode[resolution.code] ?? (isTenantActive ? 'SUBSCRIPTION' : 'TENANT');
}

const ResolutionExplanation = builder
  .objectRef<ExplainedResolution & { now: number; leaseRemainingMs: number; headRevision: string | null }>(
    'ResolutionExplanation',
  )
  .implement({
    description: 'Explanation of the result of tenantSchema.',
    fields: (t) => ({
      route: t.field({
        type: TenantSchema,
        nullable: true,
        description: 'The route; null when the resolution is refused.',
        resolve: ({ resolution }) => (resolution instanceof RegistryError ? null : resolution),
      }),
      code: t.field({
        type: ErrorCodeType,
        nullable: true,
        description: 'Error code of the refusal; null when the resolution succeeds.',
        resolve: ({ resolution }) => (resolution instanceof RegistryError ? resolution.code : null),
      }),
      message: t.string({
        nullable: true,
        description: 'Message of the refusal; null when the resolution succeeds.',
        resolve: ({ resolution }) => (resolution instanceof RegistryError ? resolution.message : null),
      }),
      gate: t.field({
        type: ResolutionGate,
        nullable: true,
        description: 'Check that failed; null when the resolution succeeds.',
        resolve: gateOf,
      }),
      tier: t.field({
        type: CacheTier,
        nullable: true,
        description: 'Source of the result; null when nothing was read.',
        resolve: ({ answer }) => answer?.tier ?? null,
      }),
      revision: t.field({
        type: 'Revision',
        nullable: true,
        description: 'The registry’s revision at which the result was read.',
        resolve: ({ answer }) =>
          answer ? formatRevision({ epoch: answer.epoch, number: answer.asOf }) : null,
      }),
      headRevision: t.expose('headRevision', {
        type: 'Revision',
        nullable: true,
        description: 'Newest revision that this gateway knows; null while it does not follow the change log.',
      }),
      ageMs: t.int({
        nullable: true,
        description:
          'Time since the result was read from the database, in milliseconds, by the clocks of the gateways.',
        resolve: ({ answer, now }) => (answer ? Math.max(0, now - answer.readAt) : null),
      }),
      leaseRemainingMs: t.exposeInt('leaseRemainingMs', {
        description:
          'Time for which this gateway may treat its cache as current, in milliseconds; 0 when it reads from ' +
          'the database for each request.',
      }),
    }),
  });

builder.queryField('explainResolution', (t) =>
  t.field({
    type: ResolutionExplanation,
    description: 'Explains the result of tenantSchema to people. Scope: resolve:<module>.',
    args: {
      id: t.arg.id({ required: true, description: 'The tenant’s UUID, slug or external id.' }),
      module: t.arg({ type: 'ModuleName', required: true, description: 'Name of the module.' }),
      minMigration: t.arg.string({ description: minMigrationDescription }),
    },
    resolve: async (_root, { id, module, minMigration }, { caller, reader, shared: { follower } }) => {
      if (!mayResolve(caller, module)) throw missingScope(`resolve:${module}`);
      const explained = await reader.explain({
        reference: id,
        module,
        consistency: 'CACHED',
        minRevision: undefined,
        minMigration: readMinMigration(minMigration, 'minMigration'),
      });
      const { position } = follower;
      return {
        ...explained,
        now: Date.now(),
        leaseRemainingMs: Math.floor(follower.leaseRemainingMs),
        headRevision: position ? formatRevision({ epoch: position.epoch, number: position.revision }) : null,
      };
    },
  }),
);
