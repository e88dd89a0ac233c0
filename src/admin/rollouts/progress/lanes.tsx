import { Text, Title } from '@mantine/core';
import { useRef } from 'react';
import { Link } from 'react-router';
import type { WatchRolloutSubscription } from '../../generated/graphql.js';
import { fileName } from '../rollouts.js';
import { placeInLanes } from './lane-places.js';

type Running = WatchRolloutSubscription['rolloutProgress']['rollout']['tenants']['edges'][number]['node'];

/** The lanes on the module's server: which tenant each migrates now, and with which file. */
export function Lanes({ running, lanes }: { running: readonly Running[]; lanes: number }) {
  const places = useRef<(string | undefined)[]>([]);
  places.current = placeInLanes(
    places.current,
    running.map(({ tenantId }) => tenantId),
    lanes,
  );
  const byId = new Map(running.map((one) => [one.tenantId, one]));
  return (
    <section>
      <Title order={2} size="h4" mb="xs">
        Now on the server
      </Title>
      <ol className="lanes" aria-label="Lanes">
        {places.current.map((id, lane) => {
          const one = id === undefined ? undefined : byId.get(id);
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: a lane is its place
            <li key={lane} className="lane" data-free={one ? undefined : true}>
              <Text size="xs" c="dimmed">
                Lane {lane + 1}
                {one && `, wave ${one.wave}`}
                {one && one.attempts > 1 && `, attempt ${one.attempts}`}
              </Text>
              {one ? (
                <>
                  <Link className="cell-link" to={`/tenants/${one.tenantId}`} dir="auto">
                    {one.tenantSlug ?? one.tenantId}
                  </Link>
                  <Text size="xs">{one.file ? fileName(one.file) : 'preparing'}</Text>
                </>
              ) : (
                <Text size="sm" c="dimmed">
                  free
                </Text>
              )}
            </li>
          );
        })}
      </ol>
    </section>
  );
}
