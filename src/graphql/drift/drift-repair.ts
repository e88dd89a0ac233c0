import { repairDrift } from '../../provisioning/commands/repair-drift.js';
import { builder } from '../builder.js';
import { waitField } from '../fields/mutation-input.js';
import { mutation } from '../mutation.js';
import { DriftFinding } from './drift-finding.js';

const DriftResolution = builder.enumType('DriftResolution', {
  description: 'Decision on a finding.',
  values: {
    IGNORE: { value: 'IGNORE', description: 'The difference is left out of reports. Nothing is changed.' },
    KEEP_REGISTRY: {
      value: 'KEEP_REGISTRY',
      description: 'The database is made as the registry and the files of the module say.',
    },
    KEEP_DATABASE: {
      value: 'KEEP_DATABASE',
      description:
        'The difference is accepted; another one of the same object is a new finding. The registry takes over the version of ' +
        'MIGRATION_VERSION_DIFFERS.',
    },
  } as const,
});

mutation('repairDrift', {
  command: repairDrift,
  description:
    'Decides on a finding of drift. KEEP_REGISTRY changes the service database in one transaction, which waits at most 2 s for a ' +
    'lock, and is undone unless the difference has gone afterwards. Scope: provision. Errors: NOT_FOUND, VALIDATION_ERROR when ' +
    '`confirm` is not the name of an object that is dropped, CONFLICT for what could lose data or cannot be derived from the ' +
    'files, OPERATION_IN_PROGRESS.',
  input: (t) => ({
    id: t.id({ required: true, description: 'UUID of the finding.' }),
    resolution: t.field({ type: DriftResolution, required: true, description: 'Decision on the finding.' }),
    confirm: t.string({
      description: 'Name of the object (`objectName`), needed where KEEP_REGISTRY drops it.',
    }),
    wait: waitField(t),
  }),
  payload: (t) => ({
    finding: t.prismaField({
      type: DriftFinding,
      description: 'The finding after the decision.',
      resolve: (query, { findingId }, _args, context) =>
        context.prisma.driftFinding.findUniqueOrThrow({ ...query, where: { id: findingId } }),
    }),
  }),
});
