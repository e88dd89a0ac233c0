import { Link } from 'react-router';
import type { TenantsQuery, UsageMetric } from '../../generated/graphql.js';
import type { Column } from '../../parts/lists/data-table.js';
import { StatusBadge } from '../../parts/values/status-badge.js';
import { TimeText } from '../../parts/values/time-text.js';
import { usageColumns, usageTitles } from './usage-columns.js';

export type TenantRow = TenantsQuery['tenants']['edges'][number]['node'];

export const tenantColumns: readonly Column<TenantRow>[] = [
  {
    id: 'name',
    title: 'Name',
    sortField: 'NAME',
    cell: ({ name, slug }) => (
      <Link className="cell-link" to={`/tenants/${slug}`} dir="auto">
        {name}
      </Link>
    ),
  },
  { id: 'slug', title: 'Slug', sortField: 'SLUG', cell: ({ slug }) => <code>{slug}</code> },
  {
    id: 'status',
    title: 'Status',
    sortField: 'STATUS',
    cell: ({ status }) => <StatusBadge status={status} />,
  },
  { id: 'plan', title: 'Plan', sortField: 'PLAN', cell: ({ plan }) => plan.toLowerCase() },
  { id: 'modules', title: 'Modules', cell: ({ modulesSubscribed }) => modulesSubscribed.join(', ') || '–' },
  {
    id: 'created',
    title: 'Created',
    sortField: 'CREATED_AT',
    cell: ({ createdAt }) => <TimeText value={createdAt} />,
  },
  {
    id: 'updated',
    title: 'Changed',
    sortField: 'UPDATED_AT',
    isOptional: true,
    cell: ({ updatedAt }) => <TimeText value={updatedAt} />,
  },
  { id: 'email', title: 'Email', isOptional: true, cell: ({ primaryEmail }) => primaryEmail ?? '–' },
  { id: 'id', title: 'Id', isOptional: true, cell: ({ id }) => <code>{id}</code> },
  usageColumn('USERS'),
  usageColumn('MONTHLY_QUOTES'),
  usageColumn('STORAGE_GB'),
  {
    id: 'suspended',
    title: 'Suspended',
    isOptional: true,
    cell: ({ suspendedAt, suspendedReason }) =>
      suspendedAt ? (
        <>
          <TimeText value={suspendedAt} /> {suspendedReason}
        </>
      ) : (
        '–'
      ),
  },
];

function usageColumn(metric: UsageMetric): Column<TenantRow> {
  return {
    ...{ id: usageColumns[metric], title: usageTitles[metric], isOptional: true, isNumber: true },
    cell: ({ usage }) => {
      const found = usage.find((one) => one.metric === metric);
      return found ? `${found.used.toLocaleString()} / ${found.limit.toLocaleString()}` : '–';
    },
  };
}
