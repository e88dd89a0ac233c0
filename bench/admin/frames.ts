/** Frames that the page draws while something goes on. */
import type { CDPSession } from 'playwright-core';
import { installGuard } from '../../src/provisioning/fence/guard.js';
import { connect, createBulkStorages } from '../../test/provisioning/support/many-storages.js';
import { type Gateway, startGateway } from '../registry/gateway.js';
import type { Undo } from '../registry/undo.js';
import type { Tab } from './tab.js';

export interface FrameFigure {
  seconds: number;
  mean: number;
  /** Frames of the second with the fewest. */
  fewest: number;
  longestMs: number;
  /** Part of the time in which the main thread of the page was busy. */
  busy: number;
}

interface Counter {
  frames: number[];
}

interface Watched {
  tab: Tab;
  gateway: Gateway;
  key: string;
  module: string;
  tenants: number;
  registryUrl: string;
  modulesDir: string;
  /** Of the gateways. */
  env: Record<string, string>;
  /** Adds the files that the tenants get. */
  addFiles: () => Promise<void>;
}

/** Frames on the live screen of a rollout, from the start of the worker until the screen shows the end. */
export async function watchRollout(undo: Undo, watched: Watched): Promise<FrameFigure> {
  const { tab, gateway, module, tenants, registryUrl, modulesDir, env } = watched;
  await gateway.ask(
    `mutation ($name: ModuleName!) { registerModule(input: { name: $name, isolation: SCHEMA }) { revision } }`,
    { name: module },
  );
  const url = env[`${module.toUpperCase()}_DB_URL`] ?? '';
  const client = await connect(url);
  await installGuard(client);
  await client.end();
  await createBulkStorages({
    ...{ registryUrl, modulesDir, modules: [{ name: module, url }], tenants, slugs: 'watched-' },
  });
  await watched.addFiles();
  const { startRollout } = await gateway.ask(
    `mutation ($module: ModuleName!) {
       startRollout(input: { module: $module, strategy: { waves: 20, parallelism: 8 } }) { rollout { id } } }`,
    { module },
  );
  const { id } = (startRollout as { rollout: { id: string } }).rollout;
  const { page } = tab;
  await tab.goTo(`/rollouts/${id}`);
  await page
    .getByText(`0 of ${tenants.toLocaleString('en-GB')} migrated`)
    .first()
    .waitFor();
  return await countFrames(tab, async () => {
    const worker = await startGateway(undo, { ...env, WORKER: 'inside' }, watched.key);
    await page
      .getByText(`${tenants.toLocaleString('en-GB')} of ${tenants.toLocaleString('en-GB')} migrated`)
      .first()
      .waitFor({ timeout: 900_000 });
    await worker.stop();
  });
}

async function countFrames({ page, cdp }: Tab, work: () => Promise<unknown>): Promise<FrameFigure> {
  const busyBefore = await readBusySeconds(cdp);
  await page.evaluate(() => {
    const counter: Counter = { frames: [] };
    Object.assign(globalThis, { counter });
    const frame = (at: number) => {
      counter.frames.push(at);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  await work();
  const frames = await page.evaluate(() => (globalThis as unknown as { counter: Counter }).counter.frames);
  const busy = (await readBusySeconds(cdp)) - busyBefore;
  return { ...summarise(frames), busy: busy / ((frames.at(-1) ?? 0) / 1_000 - (frames[0] ?? 0) / 1_000) };
}

function summarise(frames: readonly number[]): Omit<FrameFigure, 'busy'> {
  const begun = frames[0] ?? 0;
  const seconds = ((frames.at(-1) ?? begun) - begun) / 1_000;
  const bySecond = new Array<number>(Math.floor(seconds)).fill(0);
  for (const at of frames) {
    const second = Math.floor((at - begun) / 1_000);
    if (second < bySecond.length) bySecond[second] = (bySecond[second] ?? 0) + 1;
  }
  const gaps = frames.slice(1).map((at, index) => at - (frames[index] ?? at));
  return {
    seconds,
    mean: (frames.length - 1) / seconds,
    fewest: Math.min(...bySecond),
    longestMs: Math.max(...gaps),
  };
}

async function readBusySeconds(cdp: CDPSession): Promise<number> {
  const { metrics } = await cdp.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
}
