import { Progress, Text } from '@mantine/core';

export interface Counts {
  total: number;
  queued: number;
  running: number;
  succeeded: number;
  failed: number;
  blocked: number;
  skipped: number;
}

const parts = [
  ['succeeded', 'teal'],
  ['running', 'indigo'],
  ['failed', 'red'],
  ['blocked', 'orange'],
  ['skipped', 'gray.5'],
] as const;

/** How far the tenants are: a bar, and the numbers that it stands for. */
export function RolloutCounts({ counts, isShort }: { counts: Counts; isShort?: boolean }) {
  return (
    <div className="rollout-counts">
      <Progress.Root size={isShort ? 'sm' : 'lg'} aria-hidden>
        {parts.map(([name, color]) => (
          <Progress.Section
            key={name}
            value={counts.total === 0 ? 0 : (100 * counts[name]) / counts.total}
            color={color}
            withAria={false}
          />
        ))}
      </Progress.Root>
      <Text size={isShort ? 'xs' : 'sm'} mt={4}>
        {countsText(counts)}
      </Text>
    </div>
  );
}

/** "18 of 20 done, 1 failed" */
function countsText(counts: Counts): string {
  const others = (['running', 'failed', 'blocked', 'skipped'] as const)
    .filter((name) => counts[name] > 0)
    .map((name) => `, ${counts[name].toLocaleString()} ${name}`);
  return `${counts.succeeded.toLocaleString()} of ${counts.total.toLocaleString()} migrated${others.join('')}`;
}
