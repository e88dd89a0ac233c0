import { Button, Group, NativeSelect, Stack } from '@mantine/core';
import { Link, useNavigate } from 'react-router';
import { useScreen } from '../api/queries.js';
import { RolloutsDocument, type RolloutsQuery } from '../generated/graphql.js';
import { type Column, DataTable } from '../parts/lists/data-table.js';
import { ListPager } from '../parts/lists/list-pager.js';
import { useListState } from '../parts/lists/list-state.js';
import { ScreenState } from '../parts/loading/screen-state.js';
import { EmptyState } from '../parts/notices/empty-state.js';
import { StatusBadge } from '../parts/values/status-badge.js';
import { TimeText } from '../parts/values/time-text.js';
import { AllowedButton } from '../session/allowed-button.js';
import { Page, shellWord } from '../shell/page.js';
import { RolloutCounts } from './progress/rollout-counts.js';
import './rollouts.css';

type RolloutRow = RolloutsQuery['rollouts']['edges'][number]['node'];

const columns: readonly Column<RolloutRow>[] = [
  {
    id: 'module',
    title: 'Rollout',
    cell: ({ id, moduleName, targetVersion }) => (
      <Link className="cell-link" to={`/rollouts/${id}`}>
        {moduleName} to {fileName(targetVersion)}
      </Link>
    ),
  },
  {
    id: 'status',
    title: 'Status',
    cell: ({ status, pauseReason }) => (
      <>
        <StatusBadge status={status} />
        {pauseReason && <div className="wrap">{pauseReason}</div>}
      </>
    ),
  },
  {
    id: 'progress',
    title: 'Tenants',
    cell: ({ progress }) => <RolloutCounts counts={progress.tenants} isShort />,
  },
  { id: 'created', title: 'Started', cell: ({ createdAt }) => <TimeText value={createdAt} /> },
  { id: 'by', title: 'By', cell: ({ createdBy }) => createdBy },
  { id: 'finished', title: 'Ended', cell: ({ finishedAt }) => <TimeText value={finishedAt} /> },
];

/** Migrations of all tenants of a module, newest first. */
export function Rollouts() {
  const list = useListState();
  const navigate = useNavigate();
  const module = list.parameters.get('module');
  const variables = { ...list.page, module: module || null };
  // Numbers of tenants are not in the audit log.
  const query = useScreen(RolloutsDocument, variables, { keepsPrevious: true, everyMs: 1_000 });
  return (
    <Page
      title="Rollouts"
      query={[RolloutsDocument, variables]}
      command={`tenant-registry rollout status${module ? ` ${shellWord(module)}` : ''}`}
      actions={
        <AllowedButton
          action="startRollout"
          onClick={() => navigate(`/rollouts/new${module ? `?module=${encodeURIComponent(module)}` : ''}`)}
        >
          Plan a rollout
        </AllowedButton>
      }
    >
      <ScreenState query={query}>
        {({ rollouts, modules }) => (
          <Stack gap="sm">
            <Group>
              <NativeSelect
                aria-label="Module"
                data={[
                  { value: '', label: 'Any module' },
                  ...modules.map(({ name }) => ({ value: name, label: name })),
                ]}
                value={module ?? ''}
                onChange={(event) => list.set({ module: event.currentTarget.value })}
              />
            </Group>
            {rollouts.edges.length === 0 ? (
              <EmptyState title="No rollouts">
                <Stack align="center" gap="xs">
                  A rollout brings the tenants of a module to its newest migration.
                  <Button component={Link} to="/rollouts/new" variant="default">
                    See what a rollout would do
                  </Button>
                </Stack>
              </EmptyState>
            ) : (
              <>
                <DataTable
                  label="Rollouts"
                  columns={columns}
                  rows={rollouts.edges.map(({ node }) => node)}
                  rowId={({ id }) => id}
                  isStale={query.isPlaceholderData}
                />
                <ListPager list={list} pageInfo={rollouts.pageInfo} />
              </>
            )}
          </Stack>
        )}
      </ScreenState>
    </Page>
  );
}

/** The name of a migration without the folder of its module. */
export function fileName(migration: string): string {
  return migration.slice(migration.lastIndexOf('/') + 1);
}
