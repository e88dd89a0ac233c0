import { Text } from '@mantine/core';
import { Link } from 'react-router';
import { useScreen } from '../../api/queries.js';
import { BulkFailuresDocument, type BulkFailuresQuery } from '../../generated/graphql.js';
import { type Column, DataTable } from '../../parts/lists/data-table.js';
import { StatusBadge } from '../../parts/values/status-badge.js';

type Failure = NonNullable<
  NonNullable<BulkFailuresQuery['operation']>['tenantResults']
>['edges'][number]['node'];

const columns: readonly Column<Failure>[] = [
  {
    id: 'tenant',
    title: 'Tenant',
    cell: ({ tenant, reference }) =>
      tenant ? <Link to={`/tenants/${tenant.slug}`}>{tenant.name}</Link> : <code>{reference}</code>,
  },
  { id: 'status', title: 'Status', cell: ({ status }) => <StatusBadge status={status} /> },
  { id: 'code', title: 'Code', cell: ({ code }) => code ?? '–' },
  { id: 'message', title: 'Reason', cell: ({ message }) => <span className="wrap">{message ?? '–'}</span> },
];

/** The tenants that a change of many did not change, with the reasons. */
export function BulkFailures({ operationId }: { operationId: string }) {
  const { data } = useScreen(BulkFailuresDocument, { id: operationId, first: 100 }, { everyMs: 2_000 });
  const results = data?.operation?.tenantResults;
  if (!results || results.edges.length === 0) return null;
  return (
    <div>
      <Text size="sm" fw={600} mb="xs">
        Not changed{results.pageInfo.hasNextPage && ' (the first 100)'}
      </Text>
      <DataTable
        label="Tenants that were not changed"
        columns={columns}
        rows={results.edges.map(({ node }) => node)}
        rowId={({ reference }) => reference}
      />
    </div>
  );
}
