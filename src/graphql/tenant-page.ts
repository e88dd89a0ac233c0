import type { Tenant } from '../database/generated/prisma/client.js';
import {
  readTenantCursor,
  type TenantOrderField,
  type TenantPosition,
  writeTenantCursor,
} from '../registry/tenant-cursor.js';
import type { TenantSelection } from '../registry/tenant-filter.js';
import {
  countTenants,
  listTenantPositions,
  loadTenants,
  type TenantCount,
} from '../registry/tenant-pages.js';
import type { GraphqlContext } from './context.js';
import { type PageArguments, readPageSize } from './page.js';

interface Order {
  field: TenantOrderField;
  direction: 'asc' | 'desc';
}

/** A page that a caller asks for, with one tenant more than it shows, which says whether the list goes on. */
interface RequestedPage {
  order: Order;
  size: number;
  isFromEnd: boolean;
  after: TenantPosition | undefined;
  before: TenantPosition | undefined;
}

/** Reads the arguments of the list of tenants. Throws VALIDATION_ERROR. */
export function readTenantPage(page: PageArguments, order: Order | null | undefined): RequestedPage {
  const { field, direction } = order ?? { field: 'name', direction: 'asc' };
  const read = (cursor: string | null | undefined, argument: 'after' | 'before') =>
    cursor == null ? undefined : readTenantCursor(cursor, field, argument);
  return {
    order: { field, direction },
    ...readPageSize(page),
    after: read(page.after, 'after'),
    before: read(page.before, 'before'),
  };
}

interface Edge {
  cursor: string;
  node: Tenant;
}

interface LoadedPage {
  edges: Edge[];
  hasMore: boolean;
}

/** A page of tenants. It reads only what is asked for: a count needs no tenants, and tenants need no count. */
export class TenantPage {
  readonly #context: GraphqlContext;
  readonly #selection: TenantSelection;
  readonly #page: RequestedPage;
  readonly #selected: object;
  #loaded: Promise<LoadedPage> | undefined;
  #count: Promise<TenantCount> | undefined;

  /** `selected`: the columns and relations to read of each tenant. */
  constructor(context: GraphqlContext, selection: TenantSelection, page: RequestedPage, selected: object) {
    this.#context = context;
    this.#selection = selection;
    this.#page = page;
    this.#selected = selected;
  }

  get edges(): Promise<Edge[]> {
    return this.#load().then(({ edges }) => edges);
  }

  get pageInfo() {
    const { isFromEnd, after, before } = this.#page;
    return this.#load().then(({ edges, hasMore }) => ({
      hasNextPage: isFromEnd ? before !== undefined : hasMore,
      hasPreviousPage: isFromEnd ? hasMore : after !== undefined,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    }));
  }

  get count(): Promise<TenantCount> {
    this.#count ??= countTenants(this.#context.commands.database, this.#selection);
    return this.#count;
  }

  #load(): Promise<LoadedPage> {
    this.#loaded ??= this.#read();
    return this.#loaded;
  }

  async #read(): Promise<LoadedPage> {
    const { order, size, isFromEnd, after, before } = this.#page;
    const { database } = this.#context.commands;
    const { field } = order;
    const isDescending = order.direction === 'desc';
    const found = await listTenantPositions(database, this.#selection, {
      ...{ field, isDescending, after, before, isFromEnd },
      limit: size + 1,
    });
    const positions = found.slice(0, size);
    if (isFromEnd) positions.reverse();
    const ids = positions.map(({ id }) => id);
    const nodes = ids.length > 0 ? await loadTenants(database, ids, this.#selected) : [];
    const byId = new Map(nodes.map((node) => [node.id, node]));
    const edges = positions.flatMap((position) => {
      const node = byId.get(position.id);
      return node ? [{ cursor: writeTenantCursor(field, position), node }] : [];
    });
    return { edges, hasMore: found.length > size };
  }
}
