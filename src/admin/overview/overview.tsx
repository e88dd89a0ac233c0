import { Anchor, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { Suspense } from 'react';
import { Link } from 'react-router';
import { useScreen } from '../api/queries.js';
import {
  OverviewDocument,
  OverviewDriftDocument,
  type OverviewQuery,
  type UsageMetric,
} from '../generated/graphql.js';
import { keyWarningDays } from '../generated/registry-facts.js';
import { expiringKeys } from '../keys/key-filter.js';
import { latePart } from '../parts/loading/late-part.js';
import { ScreenState } from '../parts/loading/screen-state.js';
import { StatusBadge, statusText } from '../parts/values/status-badge.js';
import { TimeText } from '../parts/values/time-text.js';
import { useRights } from '../session/rights.js';
import { Page } from '../shell/page.js';
import { usageColumns, usageTitles } from '../tenants/list/usage-columns.js';
import { FirstTenant } from './first-tenant.js';
import { OwnTenants } from './own-tenants.js';
import { Card, Rows, Tile } from './tile.js';

const GrowthChart = latePart(() => import('./growth-chart.js'));

/** All tenants with their use of a metric: the API does not select by it. */
const usageList = (metric: UsageMetric) => `/tenants?columns=name,slug,status,plan,${usageColumns[metric]}`;

/** The state of the registry; every number leads to the list behind it. */
export function Overview() {
  const { may } = useRights();
  const variables = { apiKeys: may('listApiKeys'), expiringKeys: expiringKeys() };
  // Gateways report and operations go on without an entry in the audit log.
  const query = useScreen(OverviewDocument, variables, { everyMs: 5_000, isEnabled: may('readRegistry') });
  return (
    <Page title="Overview" query={[OverviewDocument, variables]} command="tenant-registry stats">
      {may('readRegistry') ? (
        <ScreenState query={query}>
          {(data) => (data.registryStats.tenants.total === 0 ? <FirstTenant /> : <Numbers data={data} />)}
        </ScreenState>
      ) : (
        <OwnTenants />
      )}
    </Page>
  );
}

function Numbers({ data }: { data: OverviewQuery }) {
  const { tenants, modules, growth, quotas, operations } = data.registryStats;
  return (
    <Stack gap="lg">
      <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }}>
        <Tile label="Tenants" count={tenants.total} to="/tenants" />
        {tenants.byStatus.map(({ status, count }) => (
          <Tile key={status} label={statusText(status)} count={count} to={`/tenants?status=${status}`} />
        ))}
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, md: 2, xl: 3 }}>
        <Card title="Operations">
          <Rows
            rows={[
              ['queued', operations.queued, '/operations?status=QUEUED'],
              ['running', operations.running, '/operations?status=RUNNING,COMPENSATING'],
              [
                'failed within 30 days',
                operations.failed,
                '/operations?status=FAILED,COMPENSATED&since=month',
              ],
              ['need attention', operations.needsAttention, '/operations?attention=yes'],
            ]}
          />
          {operations.medianMs !== null && (
            <Text size="xs" c="dimmed" mt="xs">
              Half of the{' '}
              <Anchor component={Link} size="xs" underline="always" to="/operations?since=month">
                last {operations.sampled.toLocaleString()}
              </Anchor>{' '}
              took at most {operations.medianMs.toLocaleString()} ms, 95 % at most{' '}
              {operations.p95Ms?.toLocaleString()} ms.
            </Text>
          )}
        </Card>
        <Card title="Modules">
          <Rows
            rows={modules.map(({ module, tenants: count }) => [module, count, `/tenants?module=${module}`])}
          />
        </Card>
        <Card title="Plans">
          <Rows
            rows={tenants.byPlan.map(({ plan, count }) => [
              plan.toLowerCase(),
              count,
              `/tenants?plan=${plan}`,
            ])}
          />
        </Card>
        <Card title="Registered tenants">
          <Suspense fallback={<Text className="chart-place">Loading…</Text>}>
            <GrowthChart buckets={growth} />
          </Suspense>
        </Card>
        <Card title="Quotas">
          <ul className="rows">
            {quotas.map(({ metric, tenantsAbove80Percent, tenantsAtLimit }) => (
              <li key={metric}>
                <Text size="sm">{usageTitles[metric]}</Text>
                <span>
                  <Anchor component={Link} to={usageList(metric)} size="sm">
                    {tenantsAbove80Percent.toLocaleString()} above 80 %
                  </Anchor>
                  {', '}
                  <Anchor component={Link} to={usageList(metric)} size="sm">
                    {tenantsAtLimit.toLocaleString()} at the limit
                  </Anchor>
                </span>
              </li>
            ))}
          </ul>
        </Card>
        <Attention data={data} />
        <Gateways gateways={data.gateways} />
        <Rollouts rollouts={data.rollouts} />
      </SimpleGrid>
      <Work operations={data.operations} />
    </Stack>
  );
}

function Attention({ data: { apiKeys } }: { data: OverviewQuery }) {
  const drift = useScreen(OverviewDriftDocument, {}).data?.drift;
  const soon = `keys that expire within ${keyWarningDays} days`;
  return (
    <Card title="To look at">
      <Rows
        rows={[
          ['findings of drift', drift?.totalCount, '/drift?status=OPEN'],
          ...(apiKeys ? [[soon, apiKeys.totalCount, '/keys?status=soon'] as const] : []),
        ]}
      />
    </Card>
  );
}

function Gateways({ gateways }: { gateways: OverviewQuery['gateways'] }) {
  const versions = new Set(gateways.filter(({ isReporting }) => isReporting).map(({ version }) => version));
  return (
    <Card title="Gateways">
      {versions.size > 1 && (
        <Text size="sm" mb="xs">
          <span className="status status-busy">versions differ</span>{' '}
          {[...versions].map((version) => version ?? 'unknown').join(', ')}
        </Text>
      )}
      <ul className="rows">
        {gateways.map(({ id, hostname, version, lag, isReporting }) => (
          <li key={id}>
            <Anchor component={Link} to="/gateways" size="sm" dir="auto">
              {hostname}
            </Anchor>
            <Text size="sm">
              {versions.size > 1 && `${version ?? 'unknown'}, `}
              {isReporting ? `${lag ?? '?'} revisions behind` : 'does not report'}
            </Text>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Rollouts({ rollouts }: { rollouts: OverviewQuery['rollouts'] }) {
  return (
    <Card title="Rollouts">
      {rollouts.edges.length === 0 && (
        <Text size="sm" c="dimmed">
          None yet. A rollout migrates the tenants of a module.
        </Text>
      )}
      <ul className="rows">
        {rollouts.edges.map(({ node: { id, moduleName, status, progress } }) => (
          <li key={id}>
            <Anchor component={Link} to={`/rollouts/${id}`} size="sm">
              {moduleName}: {progress.tenants.succeeded} of {progress.tenants.total}
            </Anchor>
            <StatusBadge status={status} />
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** Operations that run, or have ended badly. */
function Work({ operations }: { operations: OverviewQuery['operations'] }) {
  if (operations.edges.length === 0) return null;
  return (
    <section>
      <Title order={2} size="h4" mb="xs">
        Work that goes on or failed
      </Title>
      <Paper withBorder p="md">
        <ul className="rows">
          {operations.edges.map(({ node: { id, kind, status, tenant, createdAt } }) => (
            <li key={id}>
              <span>
                <Anchor component={Link} to={`/operations/${id}`} size="sm">
                  {statusText(kind)}
                </Anchor>{' '}
                <Text span size="sm" dir="auto">
                  {tenant?.name}
                </Text>
              </span>
              <span>
                <Text span size="sm" c="dimmed">
                  <TimeText value={createdAt} isRelative />
                </Text>{' '}
                <StatusBadge status={status} />
              </span>
            </li>
          ))}
        </ul>
      </Paper>
    </section>
  );
}
