/** A worker's side of its connection with the primary process of `serve --workers`. */
import type { Worker } from 'node:cluster';
import { RegistryError } from '../../errors.js';
import type { Metrics, MetricsSnapshot, MetricsText } from '../../metrics/metrics.js';
import { within } from '../../within.js';
import type { SettingsChange } from '../reload.js';

export type ToPrimary =
  | { kind: 'serving'; url: string }
  | { kind: 'failed'; message: string; stack: string | undefined }
  | { kind: 'snapshot'; snapshot: MetricsSnapshot }
  | { kind: 'askMetrics' };

export type ToWorker =
  | { kind: 'stop' }
  | { kind: 'askSnapshot' }
  | ({ kind: 'change' } & SettingsChange)
  | { kind: 'metrics'; text: MetricsText | undefined };

/** The variable with a worker's number, from 1. */
export const numberVariable = 'TENANT_REGISTRY_WORKER';

const metricsWaitMs = 5_000;

export interface Primary {
  /** Resolves when the primary process says so or has ended. */
  stop: Promise<void>;
  /** Answers questions for the metrics of this process. */
  share(metrics: Metrics): void;
  /** The metrics of all workers. */
  allMetrics(): Promise<MetricsText>;
  /** Called when log levels or settings have changed. */
  onChange(take: (change: SettingsChange) => void): void;
  tell(message: ToPrimary): Promise<void>;
}

/** @param onLost called when the primary process has ended although this one was not told to stop */
export function connectToPrimary(worker: Worker, onLost: () => void): Primary {
  // What cannot be sent any more: the end of the connection says so.
  worker.on('error', () => undefined);
  let metrics: Metrics | undefined;
  let isServing = false;
  let take: Parameters<Primary['onChange']>[0] | undefined;
  let isStopping = false;
  let receive: ((text: MetricsText | undefined) => void) | undefined;
  let asked: Promise<MetricsText | undefined> | undefined;

  const tell = (message: ToPrimary) =>
    new Promise<void>((resolve) => {
      if (!process.send || !process.connected) return resolve();
      isServing ||= message.kind === 'serving';
      process.send(message, undefined, undefined, () => resolve());
    });
  const stop = new Promise<void>((resolve) => {
    process.on('message', (message: ToWorker) => {
      if (message.kind === 'metrics') return receive?.(message.text);
      if (message.kind === 'askSnapshot') return void sendSnapshot();
      if (message.kind === 'change') return take?.(message);
      isStopping = true;
      resolve();
    });
    process.prependListener('disconnect', () => {
      // Nothing to finish: it serves nobody, or the primary process did not want to wait for the rest.
      if (!isServing || isStopping) process.exit(1);
      // Otherwise Node.js would end this process at once, in the middle of its requests.
      worker.exitedAfterDisconnect = true;
      onLost();
      isStopping = true;
      resolve();
    });
  });
  async function sendSnapshot(): Promise<void> {
    await tell({ kind: 'snapshot', snapshot: (await metrics?.snapshot()) ?? [] });
  }
  function ask(): Promise<MetricsText | undefined> {
    const answer = new Promise<MetricsText | undefined>((resolve) => {
      receive = resolve;
    });
    void tell({ kind: 'askMetrics' });
    return within(metricsWaitMs, answer, () => undefined);
  }

  return {
    stop,
    tell,
    onChange(given) {
      take = given;
    },
    share(shared) {
      metrics = shared;
    },
    async allMetrics() {
      asked ??= ask().finally(() => {
        asked = undefined;
      });
      const text = await asked;
      if (text) return text;
      throw new RegistryError(
        'REGISTRY_UNAVAILABLE',
        'The metrics of all workers are not available: ask again',
      );
    },
  };
}
