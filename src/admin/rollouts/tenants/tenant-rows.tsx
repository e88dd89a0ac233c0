import { Text } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useEffect, useRef, useState } from 'react';
import { Link } from 'react-router';
import type { RolloutTenantFilter } from '../../generated/graphql.js';
import { ErrorCard } from '../../parts/notices/error-card.js';
import { StatusBadge } from '../../parts/values/status-badge.js';
import { waveName } from '../progress/waves.js';
import { fileName } from '../rollouts.js';
import { type TenantRow, useTenantPages } from './tenant-pages.js';

interface TenantRowsProps {
  rolloutId: string;
  filter: RolloutTenantFilter;
  /** How many tenants meet the filter. */
  count: number;
  isLive: boolean;
  /** The place of the tenant that is migrated now, to keep in sight; undefined: the user scrolls. */
  follow: number | undefined;
  onScrollByHand: () => void;
}

const rowHeight = 40;

/** The tenants of a rollout. Only rows in sight are drawn, and only when something about them has changed. */
export const TenantRows = memo(function TenantRows(props: TenantRowsProps) {
  const { rolloutId, filter, count, isLive, follow, onScrollByHand } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [inSight, setInSight] = useState({ first: 0, last: 20 });
  const { rows, error } = useTenantPages(rolloutId, filter, { inSight, isLive });
  const virtualizer = useVirtualizer({
    count: Math.max(count, rows.length),
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 8,
    paddingStart: 0,
  });
  const shown = virtualizer.getVirtualItems();
  const first = shown[0]?.index ?? 0;
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => setInSight({ first, last }), [first, last]);
  useEffect(() => {
    if (follow !== undefined) virtualizer.scrollToIndex(follow, { align: 'center' });
  }, [follow, virtualizer]);
  if (error) return <ErrorCard error={error} />;
  if (count === 0 && rows.length === 0)
    return (
      <Text size="sm" c="dimmed">
        No tenant of the rollout is in this state.
      </Text>
    );
  const above = shown[0]?.start ?? 0;
  const below = virtualizer.getTotalSize() - (shown.at(-1)?.end ?? 0);
  return (
    <section
      className="rollout-rows"
      ref={scroller}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label="Tenants of the rollout"
      onWheel={onScrollByHand}
      onTouchMove={onScrollByHand}
      onKeyDown={onScrollByHand}
    >
      <table aria-label="Tenants" aria-rowcount={count + 1}>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map(([title, width]) => (
              <th key={title} style={{ width }}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {above > 0 && <Spacer height={above} />}
          {shown.map(({ index }) => (
            <Row key={index} index={index} row={rows[index]} />
          ))}
          {below > 0 && <Spacer height={below} />}
        </tbody>
      </table>
    </section>
  );
});

const columns = [
  ['Tenant', '14rem'],
  ['Wave', '6rem'],
  ['Status', '7rem'],
  ['Version', '22rem'],
  ['Attempts', '6rem'],
  ['Time', '7rem'],
  ['Error', '7rem'],
] as const;

function Spacer({ height }: { height: number }) {
  return (
    <tr aria-hidden style={{ height }}>
      <td colSpan={columns.length} />
    </tr>
  );
}

const Row = memo(function Row({ index, row }: { index: number; row: TenantRow | undefined }) {
  if (!row)
    return (
      <tr className="row" aria-rowindex={index + 2}>
        <td colSpan={columns.length}>…</td>
      </tr>
    );
  return (
    <tr className="row" aria-rowindex={index + 2} data-current={row.status === 'RUNNING' || undefined}>
      <td dir="auto">
        <Link className="cell-link" to={`/tenants/${row.tenantId}`}>
          {row.tenantSlug ?? row.tenantId}
        </Link>
      </td>
      <td>{waveName(row.wave)}</td>
      <td>
        <StatusBadge status={row.status} />
      </td>
      <td title={`${row.fromVersion ?? 'none'} → ${row.toVersion ?? ''}`}>{versionText(row)}</td>
      <td>{row.attempts || '–'}</td>
      <td>{row.durationMs === null ? '–' : `${row.durationMs.toLocaleString()} ms`}</td>
      <td>{row.errorCode ?? '–'}</td>
    </tr>
  );
});

function versionText({ fromVersion, toVersion, file }: TenantRow): string {
  const from = fromVersion === null ? 'none' : fileName(fromVersion);
  if (file) return `${from}, at ${fileName(file)}`;
  return toVersion === null || toVersion === fromVersion ? from : `${from} → ${fileName(toVersion)}`;
}
