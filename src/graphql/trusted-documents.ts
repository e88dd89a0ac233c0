import type { Caller } from '../auth/caller.js';
import { holds } from '../auth/permissions.js';
import { messageOf, RegistryError } from '../errors.js';
import type { Log } from '../log.js';
import { documentIdOf, type TrustedDocument } from '../registry/access/trusted-documents.js';
import type { GivenParameters, GraphqlParameters } from './engine/parameters.js';
import { shippedDocuments } from './generated/shipped-documents.js';

export interface TrustedDocumentsOptions {
  /** Whether callers without `documents:any` may send registered documents only. */
  isRequired: boolean;
  load: () => Promise<TrustedDocument[]>;
  /** How old the gateway's list may be, in milliseconds. */
  stalenessMs: number;
  log: Log;
}

/**
 * The registered documents of a gateway, by id and by text: the shipped ones and those in the registry. Where they are
 * required the list is read at the start and twice in each staleness bound; an outage leaves it as it is. Otherwise it is
 * read when somebody sends an id that is not in it.
 */
export class TrustedDocuments {
  readonly #options: TrustedDocumentsOptions;
  #textById = byId(shippedDocuments);
  #texts: ReadonlySet<string> = new Set(this.#textById.values());
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #loading: Promise<void> | undefined;
  #loadedAt = Number.NEGATIVE_INFINITY;

  constructor(options: TrustedDocumentsOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    if (!this.#options.isRequired) return;
    await this.#load();
    this.#schedule();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /**
   * The request with the text of its document, when the caller may send it. Undefined stays undefined, for what is no plain
   * request. Throws DOCUMENT_NOT_REGISTERED, or PERSISTED_QUERY_NOT_SUPPORTED.
   */
  admit(
    given: GivenParameters | undefined,
    caller: Caller,
  ): GraphqlParameters | undefined | Promise<GraphqlParameters> {
    const maySendAny = !this.#options.isRequired || holds(caller, 'documents:any');
    if (given === undefined) {
      if (maySendAny) return undefined;
      throw notRegistered('The request is no plain GraphQL request in JSON');
    }
    const { query, documentId, isPersistedQuery, operationName, variables } = given;
    if (query !== undefined) {
      if (maySendAny || this.#texts.has(query) || this.#texts.has(query.trim()))
        return { query, operationName, variables };
      throw notRegistered('This document is not registered');
    }
    const id = (documentId ?? '').replace(/^sha256:/i, '').toLowerCase();
    const text = this.#textById.get(id);
    if (text !== undefined) return { query: text, operationName, variables };
    const unknown = isPersistedQuery ? notSupported() : unknownId(id);
    if (this.#options.isRequired) throw unknown;
    return this.#find(id, unknown).then((found) => ({ query: found, operationName, variables }));
  }

  async #find(id: string, unknown: RegistryError): Promise<string> {
    if (performance.now() - this.#loadedAt >= this.#options.stalenessMs / 2) {
      this.#loading ??= this.#load().finally(() => {
        this.#loading = undefined;
      });
      await this.#loading;
    }
    const text = this.#textById.get(id);
    if (text === undefined) throw unknown;
    return text;
  }

  async #load(): Promise<void> {
    const documents = await this.#options.load();
    this.#loadedAt = performance.now();
    const textById = byId(shippedDocuments);
    for (const { id, body } of documents) textById.set(id, body);
    this.#textById = textById;
    this.#texts = new Set(textById.values());
  }

  #schedule(): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#load()
        .catch((error) =>
          this.#options.log.warn({ reason: messageOf(error) }, 'could not read the registered documents'),
        )
        .then(() => this.#schedule());
    }, this.#options.stalenessMs / 2);
    this.#timer.unref();
  }
}

function byId(texts: readonly string[]): Map<string, string> {
  return new Map(texts.map((text) => [documentIdOf(text), text]));
}

function unknownId(id: string): RegistryError {
  return notRegistered(`No registered document has the id "${id.slice(0, 80)}"`);
}

/** The clients of that protocol look for this text or the code, and send the text of the document. */
function notSupported(): RegistryError {
  return new RegistryError('PERSISTED_QUERY_NOT_SUPPORTED', 'PersistedQueryNotSupported');
}

function notRegistered(problem: string): RegistryError {
  return new RegistryError(
    'DOCUMENT_NOT_REGISTERED',
    `${problem}: register it with "tenant-registry documents add", or use a key with scope documents:any`,
  );
}
