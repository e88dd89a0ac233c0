import { Readable } from 'node:stream';
import type { RegistryDatabase } from '../database/registry-database.js';
import { deleteTenant } from '../provisioning/commands/delete-tenant.js';
import { provisionTenantToEnd } from '../provisioning/provision-to-end.js';
import { listTenants, requireTenantRecord, type TenantRecord } from '../registry/tenant-record.js';
import { inScriptsWords, type RestAnswer } from './answer.js';
import { operation } from './endpoint.js';
import {
  maxPage,
  NewTenant,
  Nothing,
  Page,
  showTenant,
  Tenant,
  TenantList,
  toProvisioning,
} from './tenant.js';

const list = operation({
  id: 'listTenants',
  summary: 'All tenants',
  description:
    'Tenants in every status, deleted ones included and purged ones not, by slug. Scope: registry:read.',
  action: 'readRegistry',
  query: Page,
  isRepeatable: false,
  answer: {
    status: 200,
    description: 'The tenants: all of them or, with `limit`, a page.',
    schema: TenantList,
    headers: { Link: 'With `limit`, when more follow: where they are, as `rel="next"`.' },
  },
  refusals: [],
  async run({ context: { database }, collection, query: { limit, after } }) {
    if (limit === undefined) return ok(await everyTenant(database, after));
    const found = await listTenants(database, { after, first: limit + 1 });
    const page = found.slice(0, limit);
    const last = page.at(-1);
    const hasMore = found.length > limit && last !== undefined;
    const next = last && `<${collection}?limit=${limit}&after=${last.slug}>; rel="next"`;
    return ok(page.map(showTenant), hasMore && next ? { link: next } : {});
  },
});

const create = operation({
  id: 'createTenant',
  summary: 'A new tenant with its storage',
  description:
    'Registers a tenant, subscribes it to modules and makes their storage; answered when all of that is done, and then it ' +
    'resolves. When it fails everything made is taken away again, and the same request starts anew under the same names. ' +
    'Scope: provision.',
  action: 'provisionTenant',
  query: Nothing,
  isRepeatable: true,
  body: NewTenant,
  answer: {
    status: 201,
    description: 'The tenant, active.',
    schema: Tenant,
    headers: { Location: 'Where the tenant is.' },
  },
  refusals: [
    'MODULE_NOT_FOUND',
    'CONFLICT',
    'TENANT_SUSPENDED',
    'TENANT_DELETED',
    'IDEMPOTENCY_KEY_REUSED',
    'OPERATION_IN_PROGRESS',
    'TENANT_NOT_READY',
  ],
  async run({ context, collection, idempotencyKey, signal, body }) {
    let slug: string | undefined;
    try {
      const wanted = await body();
      slug = wanted.slug;
      const input = { ...toProvisioning(wanted), idempotencyKey };
      const tenant = await provisionTenantToEnd(context, input, signal);
      const headers = { location: `${collection}/${tenant.slug}` };
      return { status: 201, headers, body: showTenant(tenant) };
    } catch (error) {
      throw inScriptsWords(error, slug);
    }
  },
});

const show = operation({
  id: 'getTenant',
  summary: 'A tenant',
  description: 'A tenant by slug or id, whatever its status. Scope: registry:read.',
  action: 'readRegistry',
  query: Nothing,
  isRepeatable: false,
  answer: { status: 200, description: 'The tenant.', schema: Tenant, headers: {} },
  refusals: ['TENANT_NOT_FOUND'],
  async run({ context: { database }, reference }) {
    return ok(showTenant(await requireTenantRecord(database, reference)));
  },
});

const remove = operation({
  id: 'deleteTenant',
  summary: 'Delete a tenant',
  description:
    'Softly: it resolves no more on any gateway, its data stays for 30 days, and the mutation restoreTenant brings it back ' +
    'until then. Its names stay taken. Scope: registry:write.',
  action: 'deleteTenant',
  query: Nothing,
  isRepeatable: true,
  answer: { status: 200, description: 'The tenant, now deleted.', schema: Tenant, headers: {} },
  refusals: ['TENANT_NOT_FOUND', 'TENANT_DELETED', 'IDEMPOTENCY_KEY_REUSED', 'OPERATION_IN_PROGRESS'],
  async run({ context, reference, idempotencyKey }) {
    const { tenantId } = await deleteTenant(context, { tenantId: reference, idempotencyKey });
    return ok(showTenant(await requireTenantRecord(context.database, tenantId)));
  },
});

/** What can be asked of the collection, and of one tenant in it, by method. */
export const tenantOperations = {
  collection: { GET: list, POST: create },
  member: { GET: show, DELETE: remove },
};

function ok(body: unknown, headers: Record<string, string> = {}): RestAnswer {
  return { status: 200, headers, body };
}

/** An array when it is short, and else a stream of one: a hundred thousand tenants are never held at once. */
async function everyTenant(database: RegistryDatabase, after: string | undefined): Promise<unknown> {
  const begin = await listTenants(database, { after, first: maxPage });
  if (begin.length < maxPage) return begin.map(showTenant);
  return Readable.from(writeTenants(database, begin));
}

async function* writeTenants(database: RegistryDatabase, begin: TenantRecord[]): AsyncGenerator<string> {
  let separator = '[';
  for (let page = begin; page.length > 0; ) {
    yield separator + page.map((tenant) => JSON.stringify(showTenant(tenant))).join(',');
    separator = ',';
    page = await listTenants(database, { after: page.at(-1)?.slug, first: maxPage });
  }
  yield ']';
}
