import 'uplot/dist/uPlot.min.css';
import { Anchor, Text, useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef } from 'react';
import { Link } from 'react-router';
import UPlot from 'uplot';
import type { OverviewQuery } from '../generated/graphql.js';

type Buckets = OverviewQuery['registryStats']['growth'];

const height = 160;
const daySeconds = 86_400;
/** The buckets are days in UTC. */
const days = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' });

/** A day in the language of the viewer; as in ISO 8601 where the browser has none. */
function dayText(seconds: number): string {
  const day = new Date(seconds * 1_000);
  return navigator.language ? days.format(day) : day.toISOString().slice(0, 10);
}

/** Tenants that were registered and deleted, by day. */
export default function GrowthChart({ buckets }: { buckets: Buckets }) {
  const place = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme();
  const registered = buckets.reduce((sum, one) => sum + one.registered, 0);
  const deleted = buckets.reduce((sum, one) => sum + one.deleted, 0);
  const from = buckets[0]?.start ?? '';
  useEffect(() => {
    const { current } = place;
    if (!current) return;
    const axis = {
      stroke: scheme === 'dark' ? '#ced4da' : '#495057',
      grid: { stroke: scheme === 'dark' ? '#373a40' : '#e9ecef', width: 1 },
    };
    const plot = new UPlot(
      {
        width: current.clientWidth,
        height,
        legend: { show: false },
        cursor: { show: false },
        scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, max)] } },
        tzDate: (seconds) => UPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC'),
        axes: [
          {
            ...axis,
            space: 64,
            incrs: [1, 2, 7, 14, 28].map((count) => count * daySeconds),
            values: (_plot, splits) => splits.map(dayText),
          },
          { ...axis, size: 36 },
        ],
        series: [
          {},
          { label: 'registered', stroke: '#4c6ef5', fill: '#4c6ef533', width: 2, points: { show: false } },
          { label: 'deleted', stroke: '#e8590c', width: 2, dash: [4, 4], points: { show: false } },
        ],
      },
      [
        buckets.map(({ start }) => new Date(start).getTime() / 1_000),
        buckets.map((one) => one.registered),
        buckets.map((one) => one.deleted),
      ],
      current,
    );
    const observer = new ResizeObserver(() => plot.setSize({ width: current.clientWidth, height }));
    observer.observe(current);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [buckets, scheme]);
  return (
    <div>
      <div
        ref={place}
        className="chart"
        role="img"
        aria-label={`${registered} registered and ${deleted} deleted`}
      />
      <Text size="xs" c="dimmed">
        <Anchor
          component={Link}
          size="xs"
          underline="always"
          to={`/tenants?from=${encodeURIComponent(from)}`}
        >
          {registered.toLocaleString()} registered
        </Anchor>{' '}
        (line),{' '}
        <Anchor
          component={Link}
          size="xs"
          underline="always"
          to={`/audit?kind=tenant.deleted&from=${encodeURIComponent(from)}`}
        >
          {deleted.toLocaleString()} deleted
        </Anchor>{' '}
        (dashed), by day
      </Text>
    </div>
  );
}
