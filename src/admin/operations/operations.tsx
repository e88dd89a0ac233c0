import { Group, MultiSelect, NativeSelect, Stack, TextInput } from '@mantine/core';
import { Link } from 'react-router';
import { useScreen } from '../api/queries.js';
import { OperationsDocument, type OperationsQuery } from '../generated/graphql.js';
import { type Column, DataTable } from '../parts/lists/data-table.js';
import { ListPager } from '../parts/lists/list-pager.js';
import { type ListState, useListState } from '../parts/lists/list-state.js';
import { ScreenState } from '../parts/loading/screen-state.js';
import { EmptyState } from '../parts/notices/empty-state.js';
import { countText } from '../parts/values/count-text.js';
import { Facts } from '../parts/values/facts.js';
import { StatusBadge, statusText } from '../parts/values/status-badge.js';
import { TimeText } from '../parts/values/time-text.js';
import { Page } from '../shell/page.js';
import { kinds, ranges, readOperationFilter, statuses } from './operation-filter.js';

type OperationRow = OperationsQuery['operations']['edges'][number]['node'];

const columns: readonly Column<OperationRow>[] = [
  {
    id: 'kind',
    title: 'Operation',
    cell: ({ id, kind }) => (
      <Link className="cell-link" to={`/operations/${id}`}>
        {statusText(kind)}
      </Link>
    ),
  },
  { id: 'status', title: 'Status', cell: ({ status }) => <StatusBadge status={status} /> },
  { id: 'about', title: 'About', cell: (operation) => <About operation={operation} /> },
  {
    id: 'modules',
    title: 'Modules',
    cell: ({ steps }) => [...new Set(steps.flatMap(({ module }) => module ?? []))].join(', ') || '–',
  },
  {
    id: 'created',
    title: 'Requested',
    sortField: 'CREATED_AT',
    cell: ({ createdAt }) => <TimeText value={createdAt} />,
  },
  { id: 'actor', title: 'By', cell: ({ actor }) => actor },
  { id: 'attempt', title: 'Attempt', isNumber: true, cell: ({ attempt }) => attempt },
  { id: 'error', title: 'Error', cell: ({ error }) => error ?? '–' },
];

function About({ operation: { tenant, progress } }: { operation: OperationRow }) {
  if (tenant)
    return (
      <Link className="cell-link" to={`/tenants/${tenant.slug}`} dir="auto">
        {tenant.name}
      </Link>
    );
  return progress ? countText(progress.total, 'tenant') : '–';
}

/** What creates, changes and drops storage, newest first. */
export function Operations() {
  const list = useListState({ sort: '-CREATED_AT' });
  const filter = readOperationFilter(list);
  const variables = {
    ...list.page,
    filter,
    orderBy: list.order && { field: 'CREATED_AT' as const, direction: list.order.direction },
  };
  // Operations that go on are not in the audit log.
  const query = useScreen(OperationsDocument, variables, { keepsPrevious: true, everyMs: 1_000 });
  const modules = query.data?.registryStats.modules.map(({ module }) => module) ?? [];
  return (
    <Page
      title="Operations"
      query={[OperationsDocument, variables]}
      command={`tenant-registry operation list${filter?.needsAttention ? ' --status needs_attention' : ''}`}
    >
      <Stack gap="sm">
        <Filters list={list} modules={modules} />
        <ScreenState query={query}>
          {({ operations, registryStats: { operations: numbers } }) => (
            <>
              <Facts
                rows={{
                  Running: <Count list={list} count={numbers.running} statuses="RUNNING,COMPENSATING" />,
                  Queued: <Count list={list} count={numbers.queued} statuses="QUEUED" />,
                  'Failed recently': (
                    <Count list={list} count={numbers.failed} statuses="FAILED,COMPENSATED" />
                  ),
                  'Need attention': (
                    <Count list={list} count={numbers.needsAttention} statuses="NEEDS_ATTENTION" />
                  ),
                  'Median time':
                    numbers.medianMs === null ? undefined : `${numbers.medianMs.toLocaleString()} ms`,
                  '95 % within': numbers.p95Ms === null ? undefined : `${numbers.p95Ms.toLocaleString()} ms`,
                }}
              />
              {operations.edges.length === 0 ? (
                <EmptyState title={filter ? 'No operation matches' : 'No operations yet'}>
                  {filter
                    ? 'Change the filter, or remove it.'
                    : 'One begins when a tenant is subscribed to a module.'}
                </EmptyState>
              ) : (
                <>
                  <DataTable
                    label="Operations"
                    columns={columns}
                    rows={operations.edges.map(({ node }) => node)}
                    rowId={({ id }) => id}
                    list={list}
                    isStale={query.isPlaceholderData}
                  />
                  <ListPager list={list} pageInfo={operations.pageInfo} />
                </>
              )}
            </>
          )}
        </ScreenState>
      </Stack>
    </Page>
  );
}

function Count({ list, count, statuses: chosen }: { list: ListState; count: number; statuses: string }) {
  const next = new URLSearchParams(list.parameters);
  for (const name of ['after', 'before']) next.delete(name);
  next.set('status', chosen);
  return <Link to={`/operations?${next}`}>{count.toLocaleString()}</Link>;
}

function Filters({ list, modules }: { list: ListState; modules: string[] }) {
  const several = (name: string, values: readonly string[], label: string) => (
    <MultiSelect
      aria-label={label}
      placeholder={list.list(name).length === 0 ? label : undefined}
      data={values.map((value) => ({ value, label: statusText(value) }))}
      value={list.list(name)}
      onChange={(chosen) => list.set({ [name]: chosen.join(',') })}
      w={220}
      clearable
      clearButtonProps={{ 'aria-label': `Clear ${label}` }}
    />
  );
  return (
    <Group gap="xs" align="flex-start">
      {several('status', statuses, 'Status')}
      {several('kind', kinds, 'Kind')}
      <NativeSelect
        aria-label="Module"
        data={[{ value: '', label: 'Any module' }, ...modules.map((value) => ({ value, label: value }))]}
        value={list.parameters.get('module') ?? ''}
        onChange={(event) => list.set({ module: event.currentTarget.value })}
      />
      <NativeSelect
        aria-label="Requested"
        data={[
          { value: '', label: 'At any time' },
          ...Object.entries(ranges).map(([value, { label }]) => ({ value, label })),
        ]}
        value={list.parameters.get('since') ?? ''}
        onChange={(event) => list.set({ since: event.currentTarget.value })}
      />
      <TenantField key={list.parameters.get('tenant')} list={list} />
    </Group>
  );
}

function TenantField({ list }: { list: ListState }) {
  const commit = (text: string) => {
    if (text.trim() !== (list.parameters.get('tenant') ?? '')) list.set({ tenant: text.trim() });
  };
  return (
    <TextInput
      aria-label="Tenant"
      placeholder="Tenant: slug or id, Enter"
      defaultValue={list.parameters.get('tenant') ?? ''}
      onBlur={(event) => commit(event.currentTarget.value)}
      onKeyDown={(event) => event.key === 'Enter' && commit(event.currentTarget.value)}
      w={220}
      data-search
    />
  );
}
