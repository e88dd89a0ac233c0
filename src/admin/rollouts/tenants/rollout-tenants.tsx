import { Group, NativeSelect, Stack, Switch, Title } from '@mantine/core';
import { useCallback, useMemo, useState } from 'react';
import { useSearchParams } from 'react-router';
import type { RolloutTenantStatus } from '../../generated/graphql.js';
import { statusText } from '../../parts/values/status-badge.js';
import type { Counts } from '../progress/rollout-counts.js';
import { waveName } from '../progress/waves.js';
import { TenantRows } from './tenant-rows.js';

const statuses = ['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'BLOCKED', 'SKIPPED'] as const;

interface RolloutTenantsProps {
  rolloutId: string;
  waves: readonly { wave: number; tenants: Counts }[];
  currentWave: number;
  isLive: boolean;
}

/** All tenants of the rollout, by wave, with filters that the URL holds. */
export function RolloutTenants({ rolloutId, waves, currentWave, isLive }: RolloutTenantsProps) {
  const [parameters, setParameters] = useSearchParams();
  const [isFollowing, setFollowing] = useState(true);
  const stop = useCallback(() => setFollowing(false), []);
  const status = statuses.find((one) => one === parameters.get('status'));
  const wave = waves.find((one) => String(one.wave) === parameters.get('wave'))?.wave;
  const filter = useMemo(
    () => ({
      ...(status && { status: [status] as RolloutTenantStatus[] }),
      ...(wave !== undefined && { wave }),
    }),
    [status, wave],
  );
  const set = (name: string, value: string) =>
    setParameters(
      (before) => {
        const next = new URLSearchParams(before);
        if (value === '') next.delete(name);
        else next.set(name, value);
        return next;
      },
      { replace: true },
    );
  const chosen = waves.filter((one) => wave === undefined || one.wave === wave);
  const count = chosen.reduce(
    (sum, { tenants }) => sum + (status ? countOf(tenants, status) : tenants.total),
    0,
  );
  const canFollow = isLive && status === undefined;
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Title order={2} size="h4">
          Tenants
        </Title>
        <Group gap="xs">
          {canFollow && (
            <Switch
              label="Follow the current one"
              checked={isFollowing}
              onChange={(event) => setFollowing(event.currentTarget.checked)}
            />
          )}
          <NativeSelect
            aria-label="Status"
            data={[
              { value: '', label: 'Any status' },
              ...statuses.map((value) => ({ value, label: statusText(value) })),
            ]}
            value={status ?? ''}
            onChange={(event) => set('status', event.currentTarget.value)}
          />
          <NativeSelect
            aria-label="Wave"
            data={[
              { value: '', label: 'All waves' },
              ...waves.map((one) => ({ value: String(one.wave), label: waveName(one.wave) })),
            ]}
            value={wave === undefined ? '' : String(wave)}
            onChange={(event) => set('wave', event.currentTarget.value)}
          />
        </Group>
      </Group>
      <TenantRows
        key={JSON.stringify(filter)}
        rolloutId={rolloutId}
        filter={filter}
        count={count}
        isLive={isLive}
        follow={canFollow && isFollowing ? currentPlace(chosen, currentWave) : undefined}
        onScrollByHand={stop}
      />
    </Stack>
  );
}

function countOf(counts: Counts, status: RolloutTenantStatus): number {
  return counts[status.toLowerCase() as keyof Counts];
}

/** Tenants are migrated in the order of the list, so whoever is next stands behind all that have a result. */
function currentPlace(waves: RolloutTenantsProps['waves'], currentWave: number): number {
  let place = 0;
  for (const { wave, tenants } of waves) {
    if (wave < currentWave) place += tenants.total;
    else if (wave === currentWave) place += tenants.total - tenants.queued - tenants.running;
  }
  return place;
}
