import {
  type ListEntry,
  type ListOrder,
  type ListPosition,
  readCursor,
  writeCursor,
} from '../../registry/lists/list-cursor.js';
import type { ListPage } from '../../registry/lists/list-page-sql.js';
import { type PageArguments, readPageSize } from './page.js';

/** A page that a caller asks for. */
interface RequestedPage {
  order: ListOrder;
  isDescending: boolean;
  size: number;
  isFromEnd: boolean;
  after: ListPosition | undefined;
  before: ListPosition | undefined;
}

/** Reads the arguments of a list that is ordered by a field. Throws VALIDATION_ERROR. */
export function readPage(
  page: PageArguments,
  { isDescending, ...order }: ListOrder & { isDescending: boolean },
): RequestedPage {
  const read = (cursor: string | null | undefined, argument: 'after' | 'before') =>
    cursor == null ? undefined : readCursor(cursor, order, argument);
  return {
    order,
    isDescending,
    ...readPageSize(page),
    after: read(page.after, 'after'),
    before: read(page.before, 'before'),
  };
}

/** Reads the rows of a page. */
interface PageSource<Node> {
  list(page: ListPage): Promise<ListEntry<Node>[]>;
}

/** Reads the positions of a page in the list, and then the rows themselves. */
interface PositionSource<Node> {
  list(page: ListPage): Promise<ListPosition[]>;
  /** In any order. */
  load(ids: readonly string[]): Promise<Node[]>;
}

interface Edge<Node> {
  cursor: string;
  node: Node;
}

interface LoadedPage<Node> {
  edges: Edge<Node>[];
  hasMore: boolean;
}

/** A page of a list that is read when a field of it is asked for. */
export class KeysetPage<Node extends { id: string }> {
  readonly #source: PageSource<Node> | PositionSource<Node>;
  readonly #page: RequestedPage;
  #loaded: Promise<LoadedPage<Node>> | undefined;

  constructor(page: RequestedPage, source: PageSource<Node> | PositionSource<Node>) {
    this.#page = page;
    this.#source = source;
  }

  get edges(): Promise<Edge<Node>[]> {
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

  #load(): Promise<LoadedPage<Node>> {
    this.#loaded ??= this.#read();
    return this.#loaded;
  }

  async #read(): Promise<LoadedPage<Node>> {
    const { order, size, ...page } = this.#page;
    // One row more than the page shows says whether the list goes on.
    const wanted = { ...page, limit: size + 1 };
    const source = this.#source;
    const found = await source.list(wanted);
    const shown = found.slice(0, size);
    if (page.isFromEnd) shown.reverse();
    const entries = 'load' in source ? await loadEntries(source, shown) : (shown as ListEntry<Node>[]);
    const edges = entries.map(({ node, ...position }) => ({ cursor: writeCursor(order, position), node }));
    return { edges, hasMore: found.length > size };
  }
}

/** A page of a list whose rows are counted when their number is asked for. */
export class CountedPage<Node extends { id: string }> extends KeysetPage<Node> {
  readonly #count: () => Promise<number>;

  constructor(
    page: RequestedPage,
    { count, ...source }: (PageSource<Node> | PositionSource<Node>) & { count(): Promise<number> },
  ) {
    super(page, source);
    this.#count = count;
  }

  get count(): Promise<number> {
    return this.#count();
  }
}

async function loadEntries<Node extends { id: string }>(
  { load }: PositionSource<Node>,
  positions: readonly ListPosition[],
): Promise<ListEntry<Node>[]> {
  const nodes = positions.length > 0 ? await load(positions.map(({ id }) => id)) : [];
  const byId = new Map(nodes.map((node) => [node.id, node]));
  return positions.flatMap((position) => {
    // A row that has gone meanwhile has no edge.
    const node = byId.get(position.id);
    return node ? [{ ...position, node }] : [];
  });
}
