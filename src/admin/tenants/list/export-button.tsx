import { Button } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { request } from '../../api/request.js';
import { ExportTenantsDocument, type TenantFilter, type TenantOrder } from '../../generated/graphql.js';
import { ErrorCard } from '../../parts/notices/error-card.js';
import { countText } from '../../parts/values/count-text.js';
import { csvLine } from './csv.js';

const pageSize = 100;
const columns = [
  ...['id', 'slug', 'name', 'shortName', 'status', 'plan', 'primaryEmail', 'timezone', 'currency'],
  ...['createdAt', 'updatedAt', 'suspendedAt', 'suspendedReason'],
] as const;

/** Saves all tenants that the filter selects as a file, page by page. A second click stops. */
export function ExportButton({
  filter,
  orderBy,
}: {
  filter: TenantFilter | null;
  orderBy: TenantOrder | undefined;
}) {
  const [count, setCount] = useState<number>();
  const [error, setError] = useState<unknown>();
  const stop = useRef<AbortController>(undefined);
  useEffect(() => () => stop.current?.abort(), []);

  const run = async () => {
    const control = new AbortController();
    stop.current = control;
    setError(undefined);
    setCount(0);
    try {
      const parts: BlobPart[] = ['\ufeff', csvLine([...columns, 'modules'])];
      let rows = 0;
      let after: string | null = null;
      do {
        const { tenants }: Awaited<ReturnType<typeof readPage>> = await readPage(
          { filter, orderBy, after },
          control.signal,
        );
        const lines = tenants.edges.map(({ node }) =>
          csvLine([
            ...columns.map((name) => (node as Record<string, unknown>)[name] as string | null),
            node.modulesSubscribed.join(' '),
          ]),
        );
        // One text for each page: a million of small ones would be much memory.
        parts.push(lines.join(''));
        rows += lines.length;
        setCount(rows);
        after = tenants.pageInfo.hasNextPage ? (tenants.pageInfo.endCursor ?? null) : null;
      } while (after !== null);
      save(new Blob(parts, { type: 'text/csv;charset=utf-8' }));
    } catch (failure) {
      if (!control.signal.aborted) setError(failure);
    } finally {
      setCount(undefined);
    }
  };
  return (
    <>
      <Button
        variant="default"
        onClick={count === undefined ? () => void run() : () => stop.current?.abort()}
      >
        {count === undefined ? 'Export CSV' : `Stop (${countText(count, 'row')})`}
      </Button>
      <ErrorCard error={error} />
    </>
  );
}

function readPage(
  variables: { filter: TenantFilter | null; orderBy: TenantOrder | undefined; after: string | null },
  signal: AbortSignal,
) {
  return request(ExportTenantsDocument, { ...variables, first: pageSize }, { signal });
}

function save(blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = `tenants-${new Date().toISOString().slice(0, 10)}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
