import type { Setting } from './setting.js';

/** Environment variables about metrics. */
export const metricsSettings = {
  METRICS_TENANTS: {
    default: 'none',
    expected: 'top: and a whole number from 1 to 1000, such as top:50',
    meaning:
      'How many tenants get a metric of their own at `/metrics`: those with the most resolutions in the last whole minute. Their ids are then ' +
      'labels. Without it no metric names a tenant.',
  },
} as const satisfies Record<string, Setting>;

/** The number in `top:<number>`; undefined for any other text. */
export function readTop(text: string): number | undefined {
  const [, digits] = /^top:([1-9]\d{0,3})$/.exec(text) ?? [];
  const top = Number(digits);
  return top >= 1 && top <= 1_000 ? top : undefined;
}
