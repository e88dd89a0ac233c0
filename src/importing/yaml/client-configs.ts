/** The configurations in client.yaml files, which a running gateway serves. */
import { type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Log } from '../../log.js';
import type { TenantConfig } from '../../registry/resolution/queries.js';
import type { ConfigRules } from '../../registry/values/config-rules.js';
import type { FileProblem } from './client-file.js';
import { readClientText, readClientVersion, scanClients, UnreadableFile } from './client-folder.js';
import { mapClient } from './client-mapping.js';
import type { ReplacedSecret } from './client-secrets.js';

/** One client.yaml file, as it was last read. */
export interface ClientConfig {
  id: string;
  /** The last valid content; undefined when there was none since this gateway started. */
  config: TenantConfig | undefined;
  /** Problems of the current file. */
  problems: FileProblem[];
  secrets: ReplacedSecret[];
  unknownKeys: string[];
  /** The time at which `config` was read. */
  readAt: Date | undefined;
}

export interface ClientConfigs {
  find(id: string): ClientConfig | undefined;
  /** All files, sorted by id. */
  all(): ClientConfig[];
  close(): Promise<void>;
}

export interface ClientConfigsOptions {
  folder: string;
  rules: ConfigRules;
  log: Log;
  /**
   * Interval between two scans for changed files, in milliseconds. Notifications of the system only make a scan
   * earlier.
   */
  pollMs?: number;
}

const defaultPollMs = 2_000;

/** Scans take at most this part of the time, so thousands of files on a slow disk are scanned less often. */
const dutyCycle = 1 / 20;

/** How long to wait for the next write when a file is written in pieces, in milliseconds. */
const settleMs = 100;

interface KnownClient extends ClientConfig {
  version: string;
}

/**
 * Reads all files, then follows their changes: at once where the system reports them, otherwise with the next scan.
 * When a file becomes invalid, its last valid content stays in force. A missing file counts as removed only at the
 * second scan, because editors replace files.
 */
export async function openClientConfigs(options: ClientConfigsOptions): Promise<ClientConfigs> {
  const configs = new WatchedConfigs(options);
  await configs.start();
  return configs;
}

class WatchedConfigs implements ClientConfigs {
  readonly #folder: string;
  readonly #rules: ConfigRules;
  readonly #log: Log;
  readonly #pollMs: number;
  readonly #known = new Map<string, KnownClient>();
  readonly #missing = new Set<string>();
  readonly #watchers = new Map<string, FSWatcher>();
  #timer: NodeJS.Timeout | undefined;
  #scanning: Promise<void> | undefined;
  #isHinted = false;
  #isClosed = false;
  #isFolderLost = false;

  constructor({ folder, rules, log, pollMs = defaultPollMs }: ClientConfigsOptions) {
    this.#folder = folder;
    this.#rules = rules;
    this.#log = log;
    this.#pollMs = pollMs;
  }

  find(id: string): ClientConfig | undefined {
    return this.#known.get(id);
  }

  all(): ClientConfig[] {
    return [...this.#known.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async start(): Promise<void> {
    await this.#scan(true);
    this.#watch(this.#folder);
    this.#schedule(this.#pollMs);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    await this.#scanning;
  }

  #schedule(ms: number): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#scanning = this.#scanAgain();
    }, ms);
    this.#timer.unref();
  }

  /** Handles a notification of the system. It may be lost, repeated, or about something else. */
  #hint(): void {
    this.#isHinted = true;
    if (!this.#scanning) this.#schedule(settleMs);
  }

  async #scanAgain(): Promise<void> {
    const startedAt = performance.now();
    this.#isHinted = false;
    // The loop must go on, otherwise old files would be served for ever.
    await this.#scan(false).catch((err) =>
      this.#log.error({ err }, 'could not scan for changed client.yaml files'),
    );
    this.#scanning = undefined;
    const tookMs = performance.now() - startedAt;
    this.#schedule(this.#isHinted ? settleMs : Math.max(this.#pollMs, tookMs / dutyCycle));
  }

  async #scan(isFirst: boolean): Promise<void> {
    let places: Awaited<ReturnType<typeof scanClients>>;
    try {
      places = await scanClients(this.#folder);
      this.#isFolderLost = false;
    } catch (error) {
      // The contents stay known when the folder is unmounted.
      if (!this.#isFolderLost)
        this.#log.error({ err: error }, 'CLIENTS_DIR cannot be read; the last read contents stay in force');
      this.#isFolderLost = true;
      return;
    }
    for (const { id, problem } of places) {
      if (this.#isClosed) return;
      if (problem !== undefined) this.#reject(id, problem, { message: problem });
      else await this.#scanFile(id, isFirst);
    }
    const found = new Set(places.map(({ id }) => id));
    for (const id of this.#known.keys()) if (!found.has(id)) this.#noteMissing(id);
  }

  async #scanFile(id: string, isFirst: boolean): Promise<void> {
    this.#watch(join(this.#folder, id));
    try {
      const found = await readClientVersion(this.#folder, id);
      this.#missing.delete(id);
      if (this.#known.get(id)?.version === found.version) return;
      const ageMs = Date.now() - found.modifiedAtMs;
      if (!isFirst && ageMs >= 0 && ageMs < settleMs) return this.#hint();
      const { text, version } = await readClientText(this.#folder, id);
      this.#accept(id, version, text);
      // Other work gets its turn between two files.
      await nextTurn();
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (isMissing && this.#known.get(id)?.config) this.#noteMissing(id);
      else {
        const unreadable = error instanceof UnreadableFile ? error.message : 'the folder has no client.yaml';
        this.#reject(id, unreadable, { message: unreadable });
      }
    }
  }

  #accept(id: string, version: string, text: string): void {
    const { wanted, problems, secrets, unknownKeys } = mapClient(text, id, this.#rules);
    if (!wanted) {
      this.#reject(id, version, ...problems);
      return;
    }
    const isNew = !this.#known.has(id);
    const config = wanted.config;
    this.#known.set(id, { id, version, config, problems: [], secrets, unknownKeys, readAt: new Date() });
    this.#log[isNew ? 'debug' : 'info']({ client: id }, 'read a client.yaml');
  }

  /** Records the problems of a file. Its last valid content stays in force. */
  #reject(id: string, version: string, ...problems: (Partial<FileProblem> & { message: string })[]): void {
    const before = this.#known.get(id);
    if (before?.version === version) return;
    const none = { config: undefined, secrets: [], unknownKeys: [], readAt: undefined };
    const complete = problems.map((problem) => ({ path: null, line: null, column: null, ...problem }));
    this.#known.set(id, { ...(before ?? none), id, version, problems: complete });
    this.#log.warn(
      {
        client: id,
        problems: complete,
        served: before?.config ? 'its last valid content' : 'nothing',
      },
      'a client.yaml is not valid',
    );
  }

  #noteMissing(id: string): void {
    if (!this.#missing.has(id)) {
      this.#missing.add(id);
      return;
    }
    this.#missing.delete(id);
    this.#known.delete(id);
    this.#watchers.get(join(this.#folder, id))?.close();
    this.#watchers.delete(join(this.#folder, id));
    this.#log.info({ client: id }, 'a client.yaml was removed');
  }

  #watch(path: string): void {
    if (this.#watchers.has(path) || this.#isClosed) return;
    try {
      const watcher = watch(path, { persistent: false }, () => this.#hint());
      // Without a watcher the next scan finds the change.
      watcher.on('error', () => {
        watcher.close();
        this.#watchers.delete(path);
      });
      this.#watchers.set(path, watcher);
    } catch {
      // The system has no more watchers, or the folder was removed: the next scan finds the change.
    }
  }
}
