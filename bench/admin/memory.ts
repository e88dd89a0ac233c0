/** The memory of the tab after a few pages of the list and after many. */
import { setTimeout as delay } from 'node:timers/promises';
import type { CDPSession } from 'playwright-core';
import { timePage } from './meter.js';
import type { Tab } from './tab.js';

export interface MemoryFigure {
  pages: number;
  heapMb: number;
  domNodes: number;
  listeners: number;
}

/** A page that was left stays for a second (`leftPageMs` in src/admin/api/queries.ts). */
const settleMs = 2_500;

/** Goes through `upTo` pages by "Next" and tells the memory at each of the stops. */
export async function measureMemory(
  { page, cdp, goTo }: Tab,
  stops: readonly number[],
): Promise<MemoryFigure[]> {
  await goTo('/tenants');
  const figures: MemoryFigure[] = [];
  for (let passed = 0; passed <= Math.max(...stops); passed++) {
    if (passed > 0)
      await timePage(page, () => page.getByRole('button', { name: 'Next' }).click(), { slugs: undefined });
    if (!stops.includes(passed)) continue;
    await delay(settleMs);
    figures.push({ pages: passed, ...(await readMemory(cdp)) });
  }
  return figures;
}

async function readMemory(cdp: CDPSession): Promise<Omit<MemoryFigure, 'pages'>> {
  // Once more, because finalizers of the first collection release further objects.
  for (let count = 0; count < 2; count++) await cdp.send('HeapProfiler.collectGarbage');
  const { metrics } = await cdp.send('Performance.getMetrics');
  const of = (name: string) => metrics.find((one) => one.name === name)?.value ?? Number.NaN;
  return {
    heapMb: of('JSHeapUsedSize') / 2 ** 20,
    domNodes: of('Nodes'),
    listeners: of('JSEventListeners'),
  };
}
