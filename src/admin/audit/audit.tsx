import './audit.css';
import { Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useScreen } from '../api/queries.js';
import { AuditDocument } from '../generated/graphql.js';
import { DataTable } from '../parts/lists/data-table.js';
import { ListPager } from '../parts/lists/list-pager.js';
import { useListState } from '../parts/lists/list-state.js';
import { ScreenState } from '../parts/loading/screen-state.js';
import { EmptyState } from '../parts/notices/empty-state.js';
import { Page } from '../shell/page.js';
import { auditColumns } from './audit-columns.js';
import type { AuditEntry } from './audit-entry.js';
import { AuditEntryDialog } from './audit-entry-dialog.js';
import { readAuditFilter } from './audit-filter.js';
import { AuditFilters } from './audit-filters.js';
import { AuditHead } from './audit-head.js';

/** All changes of the registry, newest first. The URL holds the filter; new entries appear by themselves. */
export function Audit() {
  const list = useListState();
  const [shown, setShown] = useState<AuditEntry>();
  const { tenantId, filter } = readAuditFilter(list);
  const variables = { ...list.page, tenantId, filter };
  const query = useScreen(AuditDocument, variables, { keepsPrevious: true });
  const columns = auditColumns({ onShow: setShown, onActor: (actor) => list.set({ actor }) });
  return (
    <Page title="Audit" query={[AuditDocument, variables]} command="tenant-registry doctor audit">
      <AuditHead />
      <Stack gap="sm">
        <AuditFilters list={list} />
        <ScreenState query={query}>
          {({ auditLog }) => {
            const rows = auditLog.edges.map(({ node }) => node);
            return (
              <>
                {rows.length > 0 ? (
                  <DataTable
                    label="Entries of the audit log"
                    columns={columns}
                    rows={rows}
                    rowId={({ revision, position }) => `${revision}/${position}`}
                    isStale={query.isPlaceholderData}
                  />
                ) : (
                  <NoEntries isFiltered={tenantId !== undefined || filter !== undefined} />
                )}
                <ListPager
                  list={list}
                  pageInfo={auditLog.pageInfo}
                  total={`${rows.length} entries on this page`}
                />
              </>
            );
          }}
        </ScreenState>
      </Stack>
      <AuditEntryDialog entry={shown} onClose={() => setShown(undefined)} />
    </Page>
  );
}

function NoEntries({ isFiltered }: { isFiltered: boolean }) {
  return (
    <EmptyState title={isFiltered ? 'No entry matches' : 'No entries yet'}>
      <Text size="sm" c="dimmed">
        {isFiltered ? 'Change or remove the filter.' : 'Every change of the registry will be here.'}
      </Text>
    </EmptyState>
  );
}
