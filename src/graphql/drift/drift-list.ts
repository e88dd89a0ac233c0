import { queryFromInfo } from '@pothos/plugin-prisma';
import { authorize } from '../../auth/permissions.js';
import {
  countDrift,
  listDriftPositions,
  loadFindings,
  readDriftSelection,
} from '../../provisioning/doctor/drift/drift-pages.js';
import { requireTenantId } from '../../registry/tenants/tenant-record.js';
import { builder } from '../builder.js';
import { CountedPage, readPage } from '../fields/keyset-page.js';
import { DriftFinding, DriftSeverity, DriftStatus } from './drift-finding.js';

const DriftFilter = builder.inputType('DriftFilter', {
  description: 'Conditions on findings; a finding must meet all of them.',
  fields: (t) => ({
    tenant: t.id({ description: 'Only findings about this tenant (UUID, slug or external id).' }),
    module: t.field({ type: 'ModuleName', description: 'Only findings about this module.' }),
    code: t.stringList({ description: 'Only findings with one of these codes, such as STRUCTURE_MISSING.' }),
    severity: t.field({ type: DriftSeverity, description: 'Only findings of this severity.' }),
    status: t.field({
      type: [DriftStatus],
      description: 'Only findings in one of these statuses. Default: OPEN.',
    }),
  }),
});

builder.queryField('drift', (t) =>
  t.connection(
    {
      type: DriftFinding,
      description:
        'Differences between the registry, the files of modules and the service databases, as the last examination found them, ' +
        'newest first. A worker examines all databases every `DRIFT_SCAN_HOURS`, and `tenant-registry doctor --structure` at once. ' +
        'Scope: registry:read. Errors: TENANT_NOT_FOUND, VALIDATION_ERROR.',
      args: {
        filter: t.arg({ type: DriftFilter, description: 'Conditions on the findings. Default: open ones.' }),
      },
      resolve: async (_root, { filter, ...page }, context, info) => {
        authorize(context.caller, 'readRegistry');
        const { tenant, ...conditions } = filter ?? {};
        const tenantId =
          tenant == null ? undefined : await requireTenantId(context.commands.database, tenant);
        const selection = readDriftSelection(conditions, tenantId);
        const selected = queryFromInfo({ context, info, path: ['edges', 'node'] });
        const { database } = context.commands;
        return new CountedPage(readPage(page, { list: 'drift', field: 'firstSeenAt', isDescending: true }), {
          list: (listed) => listDriftPositions(database, selection, listed),
          load: (ids) => loadFindings(database, ids, selected),
          count: () => countDrift(database, selection),
        });
      },
    },
    {
      name: 'DriftConnection',
      description: 'A page of findings.',
      fields: (t) => ({
        totalCount: t.int({
          description: 'Number of findings that meet the filter, on all pages.',
          resolve: (page) => page.count,
        }),
      }),
    },
    { name: 'DriftEdge', description: 'A finding with its cursor.' },
  ),
);
