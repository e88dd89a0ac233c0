/** The configurations that are still kept as client.yaml files, as a gateway serves them while it runs. */
import { type FSWatcher, watch } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Log } from '../../log.js';
import type { TenantConfig } from '../../registry/queries.js';
import type { FileProblem } from './client-file.js';
import { clientFile, readClientText, scanClients, UnreadableFile, versionOf } from './client-folder.js';
import { mapClient } from './client-mapping.js';
import type { ReplacedSecret } from './client-secrets.js';

/** One client.yaml, as it was last understood. */
export interface ClientConfig {
  id: string;
  /** The last content without a mistake; undefined: there was none since this gateway started. */
  config: TenantConfig | undefined;
  /** What is wrong with the file as it stands now. */
  problems: FileProblem[];
  secrets: ReplacedSecret[];
  unknownKeys: string[];
  /** When `config` was read. */
  readAt: Date | undefined;
}

export interface ClientConfigs {
  find(id: string): ClientConfig | undefined;
  /** All of them, by id. */
  all(): ClientConfig[];
  close(): Promise<void>;
}

export interface ClientConfigsOptions {
  folder: string;
  log: Log;
  /** How often it is looked whether files changed, in milliseconds, when nothing tells of it before. */
  pollMs?: number;
}

const defaultPollMs = 2_000;

/** Looking takes at most this part of the time; thousands of files on a slow disk are looked at less often. */
const dutyCycle = 1 / 20;

/** Whoever writes a file in pieces gets this long for the next one, in milliseconds. */
const settleMs = 100;

interface Known extends ClientConfig {
  version: string;
}

/**
 * Reads all files, and from then on what changes: at once where the system tells of changes, else with the next look. A file with
 * a mistake leaves the last content in force. A file that is gone is believed to be gone at the second look: editors replace
 * files.
 */
export async function openClientConfigs(options: ClientConfigsOptions): Promise<ClientConfigs> {
  const configs = new Watched(options);
  await configs.start();
  return configs;
}

class Watched implements ClientConfigs {
  readonly #folder: string;
  readonly #log: Log;
  readonly #pollMs: number;
  readonly #known = new Map<string, Known>();
  readonly #missing = new Set<string>();
  readonly #watchers = new Map<string, FSWatcher>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #isAskedFor = false;
  #isClosed = false;
  #isFolderLost = false;

  constructor({ folder, log, pollMs = defaultPollMs }: ClientConfigsOptions) {
    this.#folder = folder;
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
    await this.#look(true);
    this.#watch(this.#folder);
    this.#schedule(this.#pollMs);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    await this.#looking;
  }

  #schedule(ms: number): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#looking = this.#lookAgain();
    }, ms);
    this.#timer.unref();
  }

  /** Told by the system; a hint that may be lost, repeated, or about something else. */
  #hint(): void {
    this.#isAskedFor = true;
    if (!this.#looking) this.#schedule(settleMs);
  }

  async #lookAgain(): Promise<void> {
    const startedAt = performance.now();
    this.#isAskedFor = false;
    // A loop that ends would serve old files for ever.
    await this.#look(false).catch((err) =>
      this.#log.error({ err }, 'looking for changed client.yaml files failed'),
    );
    this.#looking = undefined;
    const tookMs = performance.now() - startedAt;
    this.#schedule(this.#isAskedFor ? settleMs : Math.max(this.#pollMs, tookMs / dutyCycle));
  }

  async #look(isFirst: boolean): Promise<void> {
    let places: Awaited<ReturnType<typeof scanClients>>;
    try {
      places = await scanClients(this.#folder);
      this.#isFolderLost = false;
    } catch (error) {
      // An unmounted folder is no reason to forget what it said.
      if (!this.#isFolderLost)
        this.#log.error({ err: error }, 'CLIENTS_DIR cannot be read; what it said before counts');
      this.#isFolderLost = true;
      return;
    }
    for (const { id, problem } of places) {
      if (this.#isClosed) return;
      if (problem !== undefined) this.#keep(id, problem, { message: problem });
      else await this.#lookAt(id, isFirst);
    }
    const standing = new Set(places.map(({ id }) => id));
    for (const id of this.#known.keys()) if (!standing.has(id)) this.#miss(id);
  }

  async #lookAt(id: string, isFirst: boolean): Promise<void> {
    this.#watch(join(this.#folder, id));
    try {
      const found = await lstat(clientFile(this.#folder, id), { bigint: true });
      this.#missing.delete(id);
      if (this.#known.get(id)?.version === versionOf(found)) return;
      const ageMs = Date.now() - Number(found.mtimeMs);
      if (!isFirst && ageMs >= 0 && ageMs < settleMs) return this.#hint();
      const { text, version } = await readClientText(this.#folder, id);
      this.#learn(id, version, text);
      // Others get their turn between two files.
      await nextTurn();
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (isMissing && this.#known.get(id)?.config) this.#miss(id);
      else {
        const unreadable = error instanceof UnreadableFile ? error.message : 'there is no client.yaml in it';
        this.#keep(id, unreadable, { message: unreadable });
      }
    }
  }

  #learn(id: string, version: string, text: string): void {
    const { wanted, problems, secrets, unknownKeys } = mapClient(text, id);
    if (!wanted) {
      this.#keep(id, version, ...problems);
      return;
    }
    const isNew = !this.#known.has(id);
    const config = wanted.config;
    this.#known.set(id, { id, version, config, problems: [], secrets, unknownKeys, readAt: new Date() });
    this.#log[isNew ? 'debug' : 'info']({ client: id }, 'a client.yaml was read');
  }

  /** What was good stays in force. */
  #keep(id: string, version: string, ...problems: (Partial<FileProblem> & { message: string })[]): void {
    const before = this.#known.get(id);
    if (before?.version === version) return;
    const none = { config: undefined, secrets: [], unknownKeys: [], readAt: undefined };
    const complete = problems.map((problem) => ({ path: null, line: null, column: null, ...problem }));
    this.#known.set(id, { ...(before ?? none), id, version, problems: complete });
    this.#log.warn(
      {
        client: id,
        problems: complete,
        served: before?.config ? 'its last content without a mistake' : 'nothing',
      },
      'a client.yaml cannot be used',
    );
  }

  #miss(id: string): void {
    if (!this.#missing.has(id)) {
      this.#missing.add(id);
      return;
    }
    this.#missing.delete(id);
    this.#known.delete(id);
    this.#watchers.get(join(this.#folder, id))?.close();
    this.#watchers.delete(join(this.#folder, id));
    this.#log.info({ client: id }, 'a client.yaml is gone');
  }

  #watch(path: string): void {
    if (this.#watchers.has(path) || this.#isClosed) return;
    try {
      const watcher = watch(path, { persistent: false }, () => this.#hint());
      // Without it the next look finds out.
      watcher.on('error', () => {
        watcher.close();
        this.#watchers.delete(path);
      });
      this.#watchers.set(path, watcher);
    } catch {
      // The system has no more watchers, or the folder is gone: the next look finds out.
    }
  }
}
