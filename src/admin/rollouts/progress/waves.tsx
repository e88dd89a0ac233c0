import { Text, Title } from '@mantine/core';
import { useEffect, useRef } from 'react';
import { type Counts, RolloutCounts } from './rollout-counts.js';

interface Wave {
  wave: number;
  tenants: Counts;
}

export function waveName(wave: number): string {
  return wave === 0 ? 'Canary' : `Wave ${wave}`;
}

/** The waves in a row, which scrolls so that the current one is in sight. */
export function Waves({ waves, current }: { waves: readonly Wave[]; current: number | undefined }) {
  const strip = useRef<HTMLOListElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it scrolls when another wave begins, not at every number
  useEffect(() => {
    const list = strip.current;
    const item = list?.querySelector<HTMLElement>('[aria-current]');
    if (list && item)
      list.scrollTo({
        left: item.offsetLeft - (list.clientWidth - item.clientWidth) / 2,
        behavior: 'smooth',
      });
  }, [current]);
  if (waves.length === 0) return null;
  return (
    <section>
      <Title order={2} size="h4" mb="xs">
        Waves
      </Title>
      <ol
        className="waves"
        ref={strip}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        aria-label="Waves"
      >
        {waves.map(({ wave, tenants }) => (
          <li key={wave} className="wave" aria-current={wave === current ? 'step' : undefined}>
            <Text size="sm" fw={600}>
              {waveName(wave)}
              {wave === current && ', now'}
            </Text>
            <RolloutCounts counts={tenants} isShort />
          </li>
        ))}
      </ol>
    </section>
  );
}
