import type { Tenant } from '../../database/generated/prisma/client.js';
import type { TenantSelection } from '../../registry/lists/tenant-filter.js';
import { groupsOf, type TenantOrderField } from '../../registry/lists/tenant-list-sql.js';
import {
  countTenants,
  listTenantPositions,
  loadTenants,
  type TenantCount,
} from '../../registry/lists/tenant-pages.js';
import type { GraphqlContext } from '../context.js';
import { KeysetPage, readPage } from '../fields/keyset-page.js';
import type { PageArguments } from '../fields/page.js';

interface Order {
  field: TenantOrderField;
  direction: 'asc' | 'desc';
}

/** A page of tenants. It reads only what is asked for: a count needs no tenants, and tenants need no count. */
export class TenantPage extends KeysetPage<Tenant> {
  readonly #context: GraphqlContext;
  readonly #selection: TenantSelection;
  #count: Promise<TenantCount> | undefined;

  /** `selected`: the columns and relations to read of each tenant. Throws VALIDATION_ERROR. */
  constructor(
    context: GraphqlContext,
    selection: TenantSelection,
    { page, orderBy, selected }: { page: PageArguments; orderBy: Order | null | undefined; selected: object },
  ) {
    const { field, direction } = orderBy ?? { field: 'name', direction: 'asc' };
    const { database } = context.commands;
    const order = { list: 'tenants', field, groups: groupsOf(field) } as const;
    super(readPage(page, { ...order, isDescending: direction === 'desc' }), {
      list: (listed) => listTenantPositions(database, selection, { field, ...listed }),
      load: (ids) => loadTenants(database, ids, selected),
    });
    this.#context = context;
    this.#selection = selection;
  }

  get count(): Promise<TenantCount> {
    this.#count ??= countTenants(this.#context.commands.database, this.#selection);
    return this.#count;
  }
}
