import { Button, Group, MultiSelect, NativeSelect, Stack } from '@mantine/core';
import { useNavigate } from 'react-router';
import { readAhead, useScreen } from '../../api/queries.js';
import { type TenantOrderField, TenantsDocument } from '../../generated/graphql.js';
import { ColumnChoice } from '../../parts/lists/column-choice.js';
import { DataTable } from '../../parts/lists/data-table.js';
import { ListPager } from '../../parts/lists/list-pager.js';
import { type ListRead, type ListState, useListState } from '../../parts/lists/list-state.js';
import { SearchBox } from '../../parts/lists/search-box.js';
import { ScreenState } from '../../parts/loading/screen-state.js';
import { EmptyState } from '../../parts/notices/empty-state.js';
import { countText } from '../../parts/values/count-text.js';
import { statusText } from '../../parts/values/status-badge.js';
import { AllowedButton } from '../../session/allowed-button.js';
import { Page } from '../../shell/page.js';
import { BulkBar } from '../bulk/bulk-bar.js';
import { useSelection } from '../bulk/selection.js';
import { ExportButton } from './export-button.js';
import { SavedViews } from './saved-views.js';
import { tenantColumns } from './tenant-columns.js';
import { plans, readTenantFilter, statuses } from './tenant-filter.js';

const order = { sort: 'SLUG', fields: tenantColumns.flatMap(({ sortField }) => sortField ?? []) };

function variablesOf(list: ListRead) {
  return {
    ...list.page,
    filter: readTenantFilter(list),
    orderBy: list.order && { ...list.order, field: list.order.field as TenantOrderField },
  };
}

/** All tenants. The server searches, filters, orders and pages; the URL holds the state. */
export function Tenants() {
  const list = useListState({ ...order, onChange: (next) => readAhead(TenantsDocument, variablesOf(next)) });
  const navigate = useNavigate();
  const variables = variablesOf(list);
  const { filter } = variables;
  const query = useScreen(TenantsDocument, variables, { keepsPrevious: true });
  const bulk = useSelection(filter);
  const modules = query.data?.registryStats.modules.map(({ module }) => module) ?? [];
  return (
    <Page
      title="Tenants"
      query={[TenantsDocument, variables]}
      command="tenant-registry tenant list"
      actions={
        <>
          <SavedViews />
          <ExportButton filter={filter} orderBy={variables.orderBy} />
          <AllowedButton action="registerTenant" onClick={() => navigate('/tenants/new')}>
            New tenant
          </AllowedButton>
        </>
      }
    >
      <Stack gap="sm">
        <Group gap="xs" align="flex-end">
          <SearchBox list={list} placeholder="Name, slug, id, email…" />
          <Filters list={list} modules={modules} />
          <ColumnChoice columns={tenantColumns} list={list} />
        </Group>
        <ScreenState query={query}>
          {({ tenants }) =>
            tenants.edges.length === 0 ? (
              <NoTenants isFiltered={filter !== null} list={list} />
            ) : (
              <>
                <DataTable
                  label="Tenants"
                  selection={bulk.selection}
                  columns={tenantColumns}
                  rows={tenants.edges.map(({ node }) => node)}
                  rowId={({ id }) => id}
                  rowName={({ name }) => name}
                  list={list}
                  isStale={query.isPlaceholderData}
                />
                <ListPager list={list} pageInfo={tenants.pageInfo} total={totalText(tenants)} />
                <BulkBar
                  selected={bulk.selected}
                  total={totalText(tenants)}
                  onSelectAll={bulk.selectAllMatching}
                  onClear={bulk.clear}
                />
              </>
            )
          }
        </ScreenState>
      </Stack>
    </Page>
  );
}

function totalText({
  totalCount,
  totalCountIsCapped,
}: {
  totalCount: number;
  totalCountIsCapped: boolean;
}): string {
  return `${totalCountIsCapped ? 'more than ' : ''}${countText(totalCount, 'tenant')}`;
}

function Filters({ list, modules }: { list: ListState; modules: string[] }) {
  const several = (name: string, values: readonly string[], label: string) => (
    <MultiSelect
      aria-label={label}
      placeholder={list.list(name).length === 0 ? label : undefined}
      data={values.map((value) => ({ value, label: statusText(value) }))}
      value={list.list(name)}
      onChange={(chosen) => list.set({ [name]: chosen.join(',') })}
      w={180}
      clearable
      clearButtonProps={{ 'aria-label': `Clear ${label}` }}
    />
  );
  return (
    <>
      {several('status', statuses, 'Status')}
      {several('plan', plans, 'Plan')}
      <NativeSelect
        aria-label="Module"
        data={[{ value: '', label: 'Any module' }, ...modules.map((value) => ({ value, label: value }))]}
        value={list.parameters.get('module') ?? ''}
        onChange={(event) => list.set({ module: event.currentTarget.value })}
      />
    </>
  );
}

function NoTenants({ isFiltered, list }: { isFiltered: boolean; list: ListState }) {
  const navigate = useNavigate();
  if (!isFiltered)
    return (
      <EmptyState title="No tenants yet">
        <AllowedButton action="registerTenant" onClick={() => navigate('/tenants/new')}>
          Register the first tenant
        </AllowedButton>
      </EmptyState>
    );
  return (
    <EmptyState title="No tenant matches">
      <Stack align="center" gap="xs">
        Change the filter, or remove it.
        <Button
          variant="default"
          size="xs"
          onClick={() =>
            list.set(
              Object.fromEntries(
                [...list.parameters.keys()].filter((name) => name !== 'columns').map((name) => [name, null]),
              ),
            )
          }
        >
          Remove the filter
        </Button>
      </Stack>
    </EmptyState>
  );
}
