import type { ReactNode } from 'react';

/** Names with their values, in two columns. Rows with an undefined value are left out. */
export function Facts({ rows }: { rows: Readonly<Record<string, ReactNode>> }) {
  return (
    <dl className="facts">
      {Object.entries(rows)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd dir="auto">{value === null || value === '' ? '–' : value}</dd>
          </div>
        ))}
    </dl>
  );
}
