import { mayResolve, missingScope } from '../auth/permissions.js';
import { RegistryError } from '../errors.js';
import type { ExplainedResolution } from '../registry/reader.js';
import { formatRevision } from '../registry/revision.js';
import { builder } from './builder.js';
import { TenantSchema } from './route.js';

const ResolutionGate = builder.enumType('ResolutionGate', {
  description: 'What a resolution has to get through, in this order.',
  values: {
    REGISTRY: { description: 'The registry has to be able to tell.' },
    TENANT: { description: 'The tenant has to exist and be active.' },
    MODULE: { description: 'The module has to exist.' },
    SUBSCRIPTION: { description: 'The tenant’s subscription to it has to be active.' },
  } as const,
});

const gateByCode: Record<string, 'REGISTRY' | 'TENANT' | 'MODULE'> = {
  REGISTRY_UNAVAILABLE: 'REGISTRY',
  REVISION_NOT_REACHED: 'REGISTRY',
  TENANT_NOT_FOUND: 'TENANT',
  TENANT_DELETED: 'TENANT',
  MODULE_NOT_FOUND: 'MODULE',
};

/** Some codes stand for two gates; the facts tell which it was. */
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
    description: 'Why tenantSchema answers what it answers.',
    fields: (t) => ({
      route: t.field({
        type: TenantSchema,
        nullable: true,
        description: 'The answer; null when it is refused.',
        resolve: ({ resolution }) => (resolution instanceof RegistryError ? null : resolution),
      }),
      code: t.string({
        nullable: true,
        description: 'Code of the refusal; null when it resolves.',
        resolve: ({ resolution }) => (resolution instanceof RegistryError ? resolution.code : null),
      }),
      message: t.string({
        nullable: true,
        description: 'The refusal for people; null when it resolves.',
        resolve: ({ resolution }) => (resolution instanceof RegistryError ? resolution.message : null),
      }),
      gate: t.field({
        type: ResolutionGate,
        nullable: true,
        description: 'What refused it; null when it resolves.',
        resolve: gateOf,
      }),
      tier: t.string({
        nullable: true,
        description:
          'Where the answer came from: `memory`, `redis` or `database`; null when nothing was read.',
        resolve: ({ answer }) => answer?.tier ?? null,
      }),
      revision: t.field({
        type: 'Revision',
        nullable: true,
        description: 'The registry’s revision at which it was read.',
        resolve: ({ answer }) =>
          answer ? formatRevision({ epoch: answer.epoch, number: answer.asOf }) : null,
      }),
      headRevision: t.expose('headRevision', {
        type: 'Revision',
        nullable: true,
        description: 'The newest revision this gateway knows; null while it does not follow the change log.',
      }),
      ageMs: t.int({
        nullable: true,
        description:
          'How long ago it was read from the database, in milliseconds, by the clocks of the gateways.',
        resolve: ({ answer, now }) => (answer ? Math.max(0, now - answer.readAt) : null),
      }),
      leaseRemainingMs: t.exposeInt('leaseRemainingMs', {
        description:
          'For how long this gateway may treat what it knows as current, in milliseconds; 0: it asks each time.',
      }),
    }),
  });

builder.queryField('explainResolution', (t) =>
  t.field({
    type: ResolutionExplanation,
    description: 'Why tenantSchema answers what it answers, for people. Scope: resolve:<module>.',
    args: {
      id: t.arg.id({ required: true, description: 'UUID or slug of the tenant.' }),
      module: t.arg({ type: 'ModuleName', required: true, description: 'The module.' }),
    },
    resolve: async (_root, { id, module }, { caller, reader, shared: { follower } }) => {
      if (!mayResolve(caller, module)) throw missingScope(`resolve:${module}`);
      const explained = await reader.explain({
        reference: id,
        module,
        consistency: 'CACHED',
        minRevision: undefined,
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
