import { Button, Code, Group, List, Stack, Table, Text, Title } from '@mantine/core';
import { Link, useParams } from 'react-router';
import { useScreen } from '../api/queries.js';
import { ModuleDetailDocument, type ModuleDetailQuery, RolloutPlanDocument } from '../generated/graphql.js';
import { ScreenState } from '../parts/loading/screen-state.js';
import { EmptyState } from '../parts/notices/empty-state.js';
import { ErrorCard } from '../parts/notices/error-card.js';
import { Facts } from '../parts/values/facts.js';
import { StatusBadge, statusText } from '../parts/values/status-badge.js';
import { TimeText } from '../parts/values/time-text.js';
import { Page } from '../shell/page.js';
import { ModuleActions } from './module-actions.js';
import type { ModuleDetail } from './module-form.js';
import { ModuleState } from './modules.js';

type ModulePool = NonNullable<ModuleDetailQuery['module']>['pools'][number];

/** A module: its database, its tenants and its migrations. */
export function Module() {
  const { name = '' } = useParams();
  // Connections are not in the audit log.
  const isName = /^[a-z][a-z0-9_]{0,30}$/.test(name);
  const query = useScreen(ModuleDetailDocument, { name }, { everyMs: 5_000, isEnabled: isName });
  const module = query.data?.module;
  if (!isName)
    return (
      <Page title={name}>
        <NoModule name={name} />
      </Page>
    );
  return (
    <Page
      title={name}
      badge={module && <ModuleState module={module} />}
      actions={module && <ModuleActions module={module} />}
      query={[ModuleDetailDocument, { name }]}
      command="tenant-registry module list"
    >
      <ScreenState query={query}>
        {(data) =>
          data.module ? (
            <Stack gap="lg">
              {data.module.description && (
                <Text className="wrap" dir="auto">
                  {data.module.description}
                </Text>
              )}
              <ModuleFacts module={data.module} all={data.modules} />
              <Migrations module={data.module} />
              <RecentRollouts name={name} rollouts={data.rollouts.edges.map(({ node }) => node)} />
            </Stack>
          ) : (
            <NoModule name={name} />
          )
        }
      </ScreenState>
    </Page>
  );
}

function NoModule({ name }: { name: string }) {
  return <EmptyState title="No such module">The catalogue has no module {name}.</EmptyState>;
}

function ModuleFacts({ module, all }: { module: ModuleDetail; all: ModuleDetailQuery['modules'] }) {
  const sharing = all.filter(
    ({ name, databaseRef }) => databaseRef === module.databaseRef && name !== module.name,
  );
  return (
    <Facts
      rows={{
        // The gateway has one pool for each variable.
        'Connection pool': module.isConfigured ? (
          sharing.length === 0 ? (
            'its own'
          ) : (
            `shared with ${sharing.map(({ name }) => name).join(', ')}`
          )
        ) : (
          <>
            none: set <Code>{module.databaseRef}</Code> for this gateway
          </>
        ),
        'Connections of this gateway': module.isConfigured
          ? module.pools.map(poolText).join('; ') || 'none yet'
          : undefined,
        Database: <Code>{module.databaseName}</Code>,
        'Variable of its URL': <Code>{module.databaseRef}</Code>,
        Isolation: module.isolation.toLowerCase(),
        'Prefix of schemas': <Code>{module.schemaPrefix}</Code>,
        'Folder of migrations': <Code>{module.migrationsFolder}</Code>,
        'Newest migration': module.latestMigration ? <Code>{module.latestMigration}</Code> : 'none',
        Retired: module.retiredAt ? <TimeText value={module.retiredAt} /> : undefined,
        Subscriptions:
          module.subscriptionCounts
            .map(({ status, count }) => `${count.toLocaleString()} ${statusText(status)}`)
            .join(', ') || 'none',
        Version: module.version,
      }}
    />
  );
}

function poolText({ role, busy, idle, waiting }: ModulePool): string {
  const queue = waiting > 0 ? `, ${waiting.toLocaleString()} waiting for one` : '';
  return `${role}: ${busy.toLocaleString()} busy, ${idle.toLocaleString()} idle${queue}`;
}

/** Which migrations the tenants have; the same examination as that of a rollout. */
function Migrations({ module }: { module: ModuleDetail }) {
  const { data, error, isPending } = useScreen(RolloutPlanDocument, { module: module.name });
  return (
    <section>
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h4">
          Migrations
        </Title>
        <Button
          component={Link}
          to={`/rollouts/new?module=${encodeURIComponent(module.name)}`}
          variant="default"
          size="xs"
        >
          Plan a rollout
        </Button>
      </Group>
      <ErrorCard error={error} />
      {isPending && (
        <Text size="sm" c="dimmed">
          Comparing the files with the database…
        </Text>
      )}
      {data && (
        <div className="table-scroll">
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Tenants are at</Table.Th>
                <Table.Th className="number">Tenants</Table.Th>
                <Table.Th>Lack</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {data.rolloutPlan.versions.map(({ version, tenantCount, pending }) => (
                <Table.Tr key={version}>
                  <Table.Td>{version ?? 'no migration'}</Table.Td>
                  <Table.Td className="number">{tenantCount.toLocaleString()}</Table.Td>
                  <Table.Td className="wrap">{pending.join(', ') || 'nothing'}</Table.Td>
                </Table.Tr>
              ))}
              {data.rolloutPlan.versions.length === 0 && (
                <Table.Tr>
                  <Table.Td colSpan={3}>No tenant has storage of this module.</Table.Td>
                </Table.Tr>
              )}
            </Table.Tbody>
          </Table>
        </div>
      )}
    </section>
  );
}

type RecentRollout = ModuleDetailQuery['rollouts']['edges'][number]['node'];

function RecentRollouts({ name, rollouts }: { name: string; rollouts: readonly RecentRollout[] }) {
  if (rollouts.length === 0) return null;
  return (
    <section>
      <Title order={2} size="h4" mb="xs">
        Rollouts
      </Title>
      <List size="sm" spacing="xs">
        {rollouts.map(({ id, status, targetVersion, createdAt, progress: { tenants } }) => (
          <List.Item key={id}>
            <Link to={`/rollouts/${id}`}>{targetVersion}</Link> <StatusBadge status={status} />{' '}
            {tenants.succeeded.toLocaleString()} of {tenants.total.toLocaleString()} tenants,{' '}
            <TimeText value={createdAt} />
          </List.Item>
        ))}
      </List>
      <Link to={`/rollouts?module=${encodeURIComponent(name)}`}>All rollouts of {name}</Link>
    </section>
  );
}
