import { Paper, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { useScreen } from '../api/queries.js';
import { AboutDocument, type AboutQuery } from '../generated/graphql.js';
import { type Column, DataTable } from '../parts/lists/data-table.js';
import { ScreenState } from '../parts/loading/screen-state.js';
import { Facts } from '../parts/values/facts.js';
import { TimeText } from '../parts/values/time-text.js';
import { basePath, graphqlUrl, pageConfig } from '../session/page-config.js';
import { useRights } from '../session/rights.js';
import { Page } from '../shell/page.js';

type Module = NonNullable<AboutQuery['modules']>[number];
type Limits = NonNullable<AboutQuery['planLimits']>[number];

/** Versions, and the configuration as far as the public API tells it: never a secret or a URL of a database. */
export function About() {
  const { may } = useRights();
  const variables = { registry: may('readRegistry') };
  const query = useScreen(AboutDocument, variables);
  return (
    <Page title="About" query={[AboutDocument, variables]} command="tenant-registry --version">
      <ScreenState query={query}>
        {({ viewer, gateways, modules, planLimits }) => (
          <Stack>
            <Section title="This page">
              <Facts
                rows={{
                  Version: import.meta.env.VITE_VERSION as string,
                  'GraphQL at': graphqlUrl,
                  'Path of the page': basePath,
                  'Login by': pageConfig.oidc
                    ? `API key, or ${pageConfig.oidc.issuer} (client ${pageConfig.oidc.clientId})`
                    : 'API key',
                }}
              />
              <Text size="sm" c="dimmed">
                The page is part of the gateway’s package, so the gateway that served it has the same version.
              </Text>
            </Section>
            <Section title="You">
              <Facts
                rows={{
                  'Name in the audit log': viewer.actor,
                  Scopes: viewer.scopes.join(', ') || 'none',
                  'Login ends': viewer.expiresAt ? <TimeText value={viewer.expiresAt} /> : 'never',
                }}
              />
            </Section>
            {gateways && (
              <Section title="Gateways">
                <Facts
                  rows={{
                    'Gateways that report': gateways.filter(({ isReporting }) => isReporting).length,
                    'Staleness bound': [
                      ...new Set(gateways.map(({ stalenessMs }) => `${stalenessMs / 1_000} s`)),
                    ].join(', '),
                  }}
                />
              </Section>
            )}
            {modules && (
              <Section title="Modules">
                <DataTable
                  label="Modules"
                  columns={moduleColumns}
                  rows={modules}
                  rowId={({ name }) => name}
                />
              </Section>
            )}
            {planLimits && (
              <Section title="Limits of plans">
                <DataTable
                  label="Limits of plans"
                  columns={limitColumns}
                  rows={planLimits}
                  rowId={({ plan }) => plan}
                />
              </Section>
            )}
          </Stack>
        )}
      </ScreenState>
    </Page>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Title order={2} size="h4">
          {title}
        </Title>
        {children}
      </Stack>
    </Paper>
  );
}

const moduleColumns: Column<Module>[] = [
  { id: 'name', title: 'Module', cell: ({ name }) => name },
  { id: 'isolation', title: 'Isolation', cell: ({ isolation }) => isolation.toLowerCase() },
  { id: 'variable', title: 'Variable of its URL', cell: ({ databaseRef }) => databaseRef },
  {
    id: 'database',
    title: 'Database',
    cell: ({ databaseName, isConfigured }) =>
      isConfigured ? databaseName : <span className="status status-warning">not configured here</span>,
  },
  { id: 'folder', title: 'Folder of migrations', cell: ({ migrationsFolder }) => migrationsFolder },
  { id: 'latest', title: 'Latest migration', cell: ({ latestMigration }) => latestMigration ?? 'none' },
];

const limitColumns: Column<Limits>[] = [
  { id: 'plan', title: 'Plan', cell: ({ plan }) => plan.toLowerCase() },
  { id: 'users', title: 'Users', isNumber: true, cell: ({ maxUsers }) => maxUsers.toLocaleString() },
  {
    id: 'quotes',
    title: 'Quotes a month',
    isNumber: true,
    cell: (limits) => limits.maxMonthlyQuotes.toLocaleString(),
  },
  {
    id: 'storage',
    title: 'Storage (GB)',
    isNumber: true,
    cell: ({ maxStorageGb }) => maxStorageGb.toLocaleString(),
  },
];
