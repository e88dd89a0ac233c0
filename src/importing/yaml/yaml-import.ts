import { setImmediate as nextTurn } from 'node:timers/promises';
import { authorize } from '../../auth/permissions.js';
import { invalidField, RegistryError } from '../../errors.js';
import { importTenant, loadStoredTenants } from '../../profile/commands/import-tenant.js';
import { type Difference, decideImport, type ImportedTenant } from '../../profile/tenant-import.js';
import type { CommandContext } from '../../registry/command.js';
import { readRevision } from '../../registry/revision.js';
import { variablePrefix } from '../../registry/values/secret-detector.js';
import type { FileProblem } from './client-file.js';
import {
  type ClientPlace,
  clientFile,
  readClientText,
  scanClients,
  UnreadableFile,
} from './client-folder.js';
import { mapClient } from './client-mapping.js';
import type { ReplacedSecret } from './client-secrets.js';

export interface YamlImportRequest {
  /** A folder with one folder per client, each with its client.yaml. */
  folder: string;
  /** Only reports what would be done. */
  isDryRun: boolean;
  /** Also imports test tenants, tn_…. */
  includesTests: boolean;
  /** Only these ids; an empty list means all clients. */
  only: readonly string[];
  /** The files remain the configuration of the tenants. */
  keepsSource: boolean;
  /** Also overwrites a configuration that is in the registry. */
  force: boolean;
  onProgress?: (done: number, of: number) => void;
}

export type ClientAction = 'create' | 'update' | 'unchanged' | 'leaveOut' | 'leaveAlone' | 'fail';

/** The outcome for one client. */
export interface ClientEntry {
  id: string;
  file: string;
  tenantId: string | null;
  action: ClientAction;
  /** The reason why it was left out or alone, or why it failed. */
  why: string | null;
  /** Problems of the file. */
  problems: FileProblem[];
  /** What the file lacks without being invalid. */
  warnings: FileProblem[];
  /** Secrets in the file, with the references that replace them. */
  secrets: ReplacedSecret[];
  /** Keys that the configuration does not know. They are kept under `extensions`. */
  unknownKeys: string[];
  /** The changes, or those that `force` would make. */
  differences: Difference[];
}

export interface YamlImportReport {
  /** Whether the actions of the entries were carried out; false for a dry run. */
  done: boolean;
  clients: ClientEntry[];
}

/** How many tenants are written at the same time. More would only wait for the lock on the registry's head row. */
const atOnce = 4;

/** How many files are held in memory at a time. */
const batchSize = 100;

/**
 * Imports clients from files. Each client is written in one transaction, so after a kill the next run continues where
 * this one ended. One bad file does not stop the others, and a repeated import changes nothing.
 */
export async function importYaml(
  context: CommandContext,
  request: YamlImportRequest,
): Promise<YamlImportReport> {
  authorize(context.caller, 'registerTenant');
  authorize(context.caller, 'updateTenantConfig');
  const places = await selectPlaces(request);
  const leftOut = places.flatMap((place) => {
    const why = findReasonToLeaveOut(place, request);
    return why === undefined ? [] : [{ ...entryOf(request, place.id), action: 'leaveOut' as const, why }];
  });
  const others = places.filter((place) => findReasonToLeaveOut(place, request) === undefined);
  const importer = new Importer(context, request, others.length);
  let writing: Promise<unknown> = Promise.resolve();
  try {
    for (let at = 0; at < others.length; at += batchSize) {
      const changing = await importer.prepare(others.slice(at, at + batchSize));
      // The next files are read while the database writes these.
      await writing;
      writing = importer.write(changing);
      writing.catch(() => 'thrown where it is waited for');
    }
    await writing;
  } finally {
    await writing.catch(() => 'thrown above');
    await importer.acknowledge();
  }
  const clients = [...leftOut, ...importer.entries].sort((a, b) => (a.id < b.id ? -1 : 1));
  return { done: !request.isDryRun, clients };
}

async function selectPlaces({ folder, only }: YamlImportRequest): Promise<ClientPlace[]> {
  const places = await scanClients(folder);
  for (const id of only)
    if (!places.some((place) => place.id === id))
      throw invalidField('only', `there is no folder ${JSON.stringify(id)} in ${folder}`);
  return only.length === 0 ? places : places.filter(({ id }) => only.includes(id));
}

function findReasonToLeaveOut({ id }: ClientPlace, { includesTests }: YamlImportRequest): string | undefined {
  if (id === 'example') return 'it is the template and not a tenant';
  if (isTestClient(id) && !includesTests) return 'it is a test tenant: use --include-tests to import it';
  return undefined;
}

/** Whether the id is that of a test tenant. */
export function isTestClient(id: string): boolean {
  return id.startsWith('tn_');
}

/** A client whose file can be used. */
interface Candidate {
  entry: ClientEntry;
  wanted: ImportedTenant;
}

class Importer {
  readonly entries: ClientEntry[] = [];
  readonly #context: CommandContext;
  readonly #request: YamlImportRequest;
  readonly #count: number;
  #done = 0;
  #newest: string | undefined;

  constructor(context: CommandContext, request: YamlImportRequest, count: number) {
    this.#context = context;
    this.#request = request;
    this.#count = count;
  }

  /** Reads files and returns the clients that have to be written. */
  async prepare(places: readonly ClientPlace[]): Promise<Candidate[]> {
    const read = await Promise.all(places.map((place) => this.#read(place)));
    const candidates = read.filter((candidate) => candidate !== undefined);
    for (const _ of places.slice(candidates.length)) this.#progress();
    return await this.#decide(candidates);
  }

  async write(changing: readonly Candidate[]): Promise<void> {
    if (this.#request.isDryRun) for (const _ of changing) this.#progress();
    else await this.#write(changing);
  }

  /** One wait for the newest revision is enough, because gateways receive changes in their order. */
  async acknowledge(): Promise<void> {
    if (this.#newest === undefined) return;
    const { epoch, number } = readRevision(this.#newest);
    await this.#context.acknowledge({ epoch, revision: number, waitFor: 'GATEWAYS' });
  }

  async #read({ id, problem }: ClientPlace): Promise<Candidate | undefined> {
    const entry = entryOf(this.#request, id);
    this.entries.push(entry);
    if (problem !== undefined) return void fail(entry, problem);
    try {
      const { text } = await readClientText(this.#request.folder, id);
      // Progress output, signals and the timers of connections get their turn here.
      await nextTurn();
      const { wanted, derived: _, ...findings } = mapClient(text, id, this.#context.configRules);
      Object.assign(entry, findings);
      return wanted ? { entry, wanted } : void fail(entry, null);
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      return void fail(entry, error.message);
    }
  }

  /** Returns the clients that have to be written, compared with the current rows. */
  async #decide(candidates: readonly Candidate[]): Promise<Candidate[]> {
    if (candidates.length === 0) return [];
    const slugs = candidates.map(({ wanted }) => wanted.slug);
    const stored = await loadStoredTenants(this.#context, slugs);
    const namesakes = await this.#loadNamesakes(candidates);
    return candidates.filter(({ entry, wanted }) => {
      const known = stored.get(wanted.slug);
      entry.tenantId = known?.id ?? null;
      const namesake = namesakes.get(wanted.slug);
      const verdict = decideImport(known, wanted, this.#options);
      if (namesake !== undefined)
        fail(
          entry,
          `its secrets would get the same variables as those of tenant ${namesake}: write references with other names into the file`,
        );
      else Object.assign(entry, { why: null, ...verdict });
      const isChange = entry.action === 'create' || entry.action === 'update';
      if (!isChange) this.#progress();
      return isChange;
    });
  }

  /** Finds tenants whose slugs differ only in - and _, for clients whose secrets would share their variables. */
  async #loadNamesakes(candidates: readonly Candidate[]): Promise<Map<string, string>> {
    const naming = candidates.filter(({ entry, wanted }) =>
      entry.secrets.some(({ reference }) => reference?.startsWith(`\${${variablePrefix(wanted.slug)}`)),
    );
    if (naming.length === 0) return new Map();
    const { rows } = await this.#context.database.pool.query<{ slug: string }>(
      `SELECT slug FROM tenants WHERE replace(slug, '-', '_') = ANY ($1)`,
      [naming.map(({ wanted: { slug } }) => variablePrefix(slug).slice(0, -1).toLowerCase())],
    );
    const others = new Map<string, string[]>();
    for (const slug of [...rows.map((row) => row.slug), ...this.entries.map(({ id }) => id)]) {
      const prefix = variablePrefix(slug);
      others.set(prefix, [...(others.get(prefix) ?? []), slug]);
    }
    return new Map(
      naming.flatMap(({ wanted: { slug } }) => {
        const other = others.get(variablePrefix(slug))?.find((one) => one !== slug);
        return other === undefined ? [] : [[slug, other] as const];
      }),
    );
  }

  async #write(candidates: readonly Candidate[]): Promise<void> {
    const waiting = candidates.values();
    const work = async () => {
      for (const { entry, wanted } of waiting) {
        await this.#writeOne(entry, wanted);
        this.#progress();
      }
    };
    const ended = await Promise.allSettled(Array.from({ length: atOnce }, work));
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
  }

  async #writeOne(entry: ClientEntry, wanted: ImportedTenant): Promise<void> {
    try {
      const result = await importTenant(this.#context, { wanted, ...this.#options, wait: 'COMMITTED' });
      const { tenantId, action, why, revision } = result;
      Object.assign(entry, { tenantId, action, why });
      const newest = this.#newest;
      if (!newest || readRevision(revision).number > readRevision(newest).number) this.#newest = revision;
    } catch (error) {
      const isExpected = error instanceof RegistryError;
      if (isExpected && error.code === 'REGISTRY_UNAVAILABLE') throw error;
      if (!isExpected) this.#context.log.error({ err: error, client: entry.id }, 'could not write a client');
      fail(entry, isExpected ? error.message : 'could not be written: see the log');
    }
  }

  get #options() {
    const { keepsSource, force } = this.#request;
    return { source: keepsSource ? ('YAML' as const) : ('DATABASE' as const), force };
  }

  #progress(): void {
    this.#request.onProgress?.(++this.#done, this.#count);
  }
}

function entryOf({ folder }: YamlImportRequest, id: string): ClientEntry {
  return {
    id,
    file: clientFile(folder, id),
    tenantId: null,
    action: 'fail',
    why: null,
    problems: [],
    warnings: [],
    secrets: [],
    unknownKeys: [],
    differences: [],
  };
}

function fail(entry: ClientEntry, why: string | null): void {
  Object.assign(entry, { action: 'fail', why } satisfies Partial<ClientEntry>);
}
