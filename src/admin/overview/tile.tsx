import { Anchor, Paper, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'react-router';

/** A number that leads to the list behind it. */
export function Tile({ label, count, to }: { label: string; count: number; to: string }) {
  return (
    <Paper component={Link} to={to} withBorder p="md" className="tile">
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <strong>{count.toLocaleString()}</strong>
    </Paper>
  );
}

export function Card({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper component="section" withBorder p="md">
      <Title order={2} size="h5" mb="sm">
        {title}
      </Title>
      {children}
    </Paper>
  );
}

type Row = readonly [label: string, count: number | undefined, to: string];

/** Names with numbers that are links; a number that is not known yet has its place. */
export function Rows({ rows }: { rows: readonly Row[] }) {
  return (
    <ul className="rows">
      {rows.map(([label, count, to]) => (
        <li key={label}>
          <Text size="sm">{label}</Text>
          <Anchor
            component={Link}
            to={to}
            size="sm"
            fw={600}
            aria-label={`${count?.toLocaleString() ?? ''} ${label}`}
          >
            {count?.toLocaleString() ?? '…'}
          </Anchor>
        </li>
      ))}
    </ul>
  );
}
