import { Code, Stack, Text } from '@mantine/core';
import { useThrottledValue } from '@mantine/hooks';
import { useEffect } from 'react';
import { useParams } from 'react-router';
import { useLive } from '../api/live.js';
import { useScreen } from '../api/queries.js';
import { RolloutDocument, WatchRolloutDocument } from '../generated/graphql.js';
import { ScreenState } from '../parts/loading/screen-state.js';
import { EmptyState } from '../parts/notices/empty-state.js';
import { ErrorCard } from '../parts/notices/error-card.js';
import { Notice } from '../parts/notices/notice.js';
import { Facts } from '../parts/values/facts.js';
import { StatusBadge } from '../parts/values/status-badge.js';
import { TimeText } from '../parts/values/time-text.js';
import { Page, shellWord } from '../shell/page.js';
import { Lanes } from './progress/lanes.js';
import { RolloutCounts } from './progress/rollout-counts.js';
import { Waves } from './progress/waves.js';
import { RolloutActions } from './rollout-actions.js';
import { type RolloutDetail, RolloutFailures } from './tenants/rollout-failures.js';
import { RolloutTenants } from './tenants/rollout-tenants.js';
import './rollouts.css';
import { countText } from '../parts/values/count-text.js';

/** A rollout as it goes on: by wave, by lane on the server, and by tenant. */
export function Rollout() {
  const { id = '' } = useParams();
  const variables = { id, first: 20, filter: { status: ['FAILED', 'BLOCKED'] as const } };
  const query = useScreen(RolloutDocument, {
    ...variables,
    filter: { status: [...variables.filter.status] },
  });
  const rollout = query.data?.rollout ?? undefined;
  const isOpen = rollout?.status === 'RUNNING' || rollout?.status === 'PAUSED';
  const live = useLive(
    WatchRolloutDocument,
    { id },
    { isEnabled: isOpen, isEnd: (event) => event.rolloutProgress.isEnd },
  );
  const event = live.event?.rolloutProgress.rollout;
  // An answer of the query that is newer, such as after a retry, counts more than the last event.
  const now = event && rollout && event.version >= rollout.version ? event : rollout;
  const counts = now?.progress.tenants;
  const { refetch } = query;
  // Failures are read when their number changes, at most once a second.
  const changed = useThrottledValue(`${now?.status} ${counts?.failed} ${counts?.blocked}`, 1_000);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it stands for what was changed
  useEffect(() => {
    if (event) void refetch();
  }, [changed]);
  return (
    <Page
      title={rollout ? `Rollout of ${rollout.moduleName}` : 'Rollout'}
      badge={now && <StatusBadge status={now.status} />}
      actions={now && counts && <RolloutActions rollout={now} counts={counts} />}
      query={[RolloutDocument, variables]}
      command={`tenant-registry rollout status ${shellWord(id)}`}
    >
      <ScreenState query={query}>
        {() =>
          rollout && now && counts ? (
            <Stack gap="lg">
              {live.error && <ErrorCard error={live.error} />}
              {now.pauseReason !== null && (
                <Notice tone="warning" title="The rollout is paused">
                  <Text size="sm" dir="auto" className="wrap">
                    {now.pauseReason}
                  </Text>
                  <Text size="sm">
                    Look at the tenants that were migrated and at the failures. Then resume it, retry what
                    failed, or cancel it.
                  </Text>
                </Notice>
              )}
              <RolloutCounts counts={counts} />
              <Waves waves={now.progress.waves} current={isOpen ? now.currentWave : undefined} />
              {now.status === 'RUNNING' && (
                <Lanes
                  running={event?.tenants.edges.map(({ node }) => node) ?? []}
                  lanes={rollout.strategy.parallelism}
                />
              )}
              <RolloutFailures rollout={rollout} isOpen={isOpen} count={counts.failed + counts.blocked} />
              {counts.total > 0 && (
                <RolloutTenants
                  rolloutId={id}
                  waves={now.progress.waves}
                  currentWave={now.currentWave}
                  isLive={now.status === 'RUNNING'}
                />
              )}
              <RolloutFacts rollout={rollout} />
            </Stack>
          ) : (
            <EmptyState title="No such rollout">No rollout has the id {id}.</EmptyState>
          )
        }
      </ScreenState>
    </Page>
  );
}

function RolloutFacts({ rollout }: { rollout: RolloutDetail }) {
  const { strategy } = rollout;
  const canary = strategy.canaryPercent === null ? strategy.canaryTenants : `${strategy.canaryPercent} %`;
  const budget = [
    strategy.errorBudgetCount === null ? [] : countText(strategy.errorBudgetCount, 'tenant'),
    strategy.errorBudgetPercent === null ? [] : `${strategy.errorBudgetPercent} %`,
  ].flat();
  return (
    <Facts
      rows={{
        Target: <Code>{rollout.targetVersion}</Code>,
        Started: <TimeText value={rollout.createdAt} />,
        'Started by': rollout.createdBy,
        Ended: <TimeText value={rollout.finishedAt} />,
        Canary: canary === null ? 'none' : `${canary}${strategy.pauseAfterCanary ? ', then a pause' : ''}`,
        Waves: strategy.waves,
        Parallelism: strategy.parallelism,
        'Error budget': budget.join(' or '),
        'Lock timeout': `${strategy.lockTimeoutMs.toLocaleString()} ms`,
        'Statement timeout': `${strategy.statementTimeoutMs.toLocaleString()} ms`,
        Id: <Code>{rollout.id}</Code>,
      }}
    />
  );
}
