import { useQueries } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { request } from '../../api/request.js';
import {
  type RolloutTenantFilter,
  RolloutTenantsDocument,
  type RolloutTenantsQuery,
} from '../../generated/graphql.js';

export type TenantRow = NonNullable<RolloutTenantsQuery['rollout']>['tenants']['edges'][number]['node'];

const pageSize = 100;

interface Range {
  first: number;
  last: number;
}

/**
 * The tenants of a rollout, page by page. Only pages in sight are read again while it runs; a page is read when the one before it has
 * told where it begins.
 */
export function useTenantPages(
  rolloutId: string,
  filter: RolloutTenantFilter,
  { inSight, isLive }: { inSight: Range; isLive: boolean },
) {
  const [starts, setStarts] = useState<readonly (string | null)[]>([null]);
  const firstPage = Math.floor(inSight.first / pageSize);
  const lastPage = Math.floor(inSight.last / pageSize);
  const pages = useQueries({
    queries: starts.map((after, page) => {
      const variables = { id: rolloutId, first: pageSize, after, filter };
      const isInSight = page >= firstPage && page <= lastPage;
      return {
        queryKey: [RolloutTenantsDocument.toString(), variables],
        queryFn: ({ signal }: { signal: AbortSignal }) =>
          request(RolloutTenantsDocument, variables, { signal }),
        // A page out of sight is read once, for the place of the next one.
        enabled: isInSight ? true : (query: { state: { data: unknown } }) => query.state.data === undefined,
        refetchInterval: isLive && isInSight ? 1_000 : (false as const),
      };
    }),
  });
  const ends = pages.map(({ data }) => {
    const { hasNextPage, endCursor } = data?.rollout?.tenants.pageInfo ?? {};
    return hasNextPage && endCursor ? endCursor : undefined;
  });
  const key = ends.join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the ends of the pages
  useEffect(() => {
    setStarts((before) => {
      const next: (string | null)[] = [null];
      for (let page = 0; page < Math.max(lastPage, before.length - 1); page++) {
        const end = ends[page];
        if (end !== undefined) next.push(end);
        else {
          // While a page is on its way, what is known of the following ones stays.
          if (pages[page]?.data === undefined) next.push(...before.slice(page + 1));
          break;
        }
      }
      return next.length === before.length && next.every((one, at) => one === before[at]) ? before : next;
    });
  }, [key, lastPage]);
  // A tenant whose status changes between two pages can be in both.
  const byId = new Map<string, TenantRow>();
  for (const { data } of pages)
    for (const { node } of data?.rollout?.tenants.edges ?? [])
      if (!byId.has(node.tenantId)) byId.set(node.tenantId, node);
  return { rows: [...byId.values()], error: pages.find(({ error }) => error)?.error };
}
