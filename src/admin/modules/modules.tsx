import { Stack } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router';
import { useScreen } from '../api/queries.js';
import { ModulesDocument, type ModulesQuery } from '../generated/graphql.js';
import { type Column, DataTable } from '../parts/lists/data-table.js';
import { ScreenState } from '../parts/loading/screen-state.js';
import { EmptyState } from '../parts/notices/empty-state.js';
import { AllowedButton } from '../session/allowed-button.js';
import { Page } from '../shell/page.js';
import { ModuleForm } from './module-form.js';

type ModuleRow = ModulesQuery['modules'][number] & { tenants: number };

const columns: readonly Column<ModuleRow>[] = [
  {
    id: 'name',
    title: 'Module',
    cell: ({ name }) => (
      <Link className="cell-link" to={`/modules/${encodeURIComponent(name)}`}>
        {name}
      </Link>
    ),
  },
  { id: 'state', title: 'State', cell: (module) => <ModuleState module={module} /> },
  {
    id: 'tenants',
    title: 'Active tenants',
    isNumber: true,
    cell: ({ name, tenants }) => (
      <Link to={`/tenants?module=${encodeURIComponent(name)}`}>{tenants.toLocaleString()}</Link>
    ),
  },
  { id: 'isolation', title: 'Isolation', cell: ({ isolation }) => isolation.toLowerCase() },
  { id: 'database', title: 'Database', cell: ({ databaseName }) => <code>{databaseName}</code> },
  {
    id: 'latest',
    title: 'Newest migration',
    cell: ({ latestMigration }) => (latestMigration ? <code>{latestMigration}</code> : 'none'),
  },
  { id: 'description', title: 'Purpose', cell: ({ description }) => description ?? '–' },
];

/** Whether tenants can be subscribed, and whether this gateway can make their storage. */
export function ModuleState({ module }: { module: { isRetired: boolean; isConfigured: boolean } }) {
  return (
    <>
      {module.isRetired ? (
        <span className="status status-quiet">retired</span>
      ) : (
        <span className="status status-good">active</span>
      )}{' '}
      {!module.isConfigured && <span className="status status-bad">no database URL</span>}
    </>
  );
}

/** The catalogue of modules. */
export function Modules() {
  const query = useScreen(ModulesDocument, {});
  const [isAdding, setAdding] = useState(false);
  return (
    <Page
      title="Modules"
      query={[ModulesDocument, {}]}
      command="tenant-registry module list"
      actions={
        <AllowedButton action="registerModule" onClick={() => setAdding(true)}>
          Add a module
        </AllowedButton>
      }
    >
      <ScreenState query={query}>
        {({ modules, registryStats }) => {
          const counts = new Map(registryStats.modules.map(({ module, tenants }) => [module, tenants]));
          const rows = modules.map((module) => ({ ...module, tenants: counts.get(module.name) ?? 0 }));
          return (
            <Stack>
              {rows.length === 0 ? (
                <EmptyState title="No modules yet">
                  A module is a service with storage for each tenant. Add the first one.
                </EmptyState>
              ) : (
                <DataTable label="Modules" columns={columns} rows={rows} rowId={({ id }) => id} />
              )}
            </Stack>
          );
        }}
      </ScreenState>
      <ModuleForm isOpen={isAdding} onClose={() => setAdding(false)} />
    </Page>
  );
}
