import { Readable } from 'node:stream';
import type { RegistryDatabase } from '../database/registry-database.js';
import { renameFields } from '../errors.js';
import { readTenantConfig } from '../profile/config/tenant-config.js';
import { deleteTenant } from '../provisioning/commands/delete-tenant.js';
import { provisionTenantToEnd } from '../provisioning/provision-to-end.js';
import type { CommandContext } from '../registry/command.js';
import { listTenants, requireTenantRecord, type TenantRecord } from '../registry/tenants/tenant-record.js';
import { type RestAnswer, withScriptMessage } from './answer.js';
import { endpoint } from './endpoint.js';
import { withBodyNames } from './field-names.js';
import {
  CreatedTenant,
  maxPage,
  NewTenant,
  NoQuery,
  Page,
  showTenant,
  Tenant,
  TenantList,
  toProvisioning,
} from './tenant.js';

const list = endpoint({
  id: 'listTenants',
  summary: 'List tenants.',
  description: 'Returns the tenants in every status except purged, ordered by slug. Scope: registry:read.',
  action: 'readRegistry',
  query: Page,
  isRepeatable: false,
  answer: {
    status: 200,
    description: 'All tenants or, with `limit`, a page of them.',
    schema: TenantList,
    headers: { Link: 'URL of the next page as `rel="next"`, when there is one.' },
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

const create = endpoint({
  id: 'createTenant',
  summary: 'Create a tenant with its storage.',
  description:
    'Registers a tenant, subscribes it to modules and creates their storage. The tenant resolves when the answer arrives. ' +
    'When a step fails, all steps are undone, and the same request starts again under the same names. Scope: provision.',
  action: 'provisionTenant',
  query: NoQuery,
  isRepeatable: true,
  body: NewTenant,
  answer: {
    status: 201,
    description: 'The active tenant.',
    schema: CreatedTenant,
    headers: { Location: 'Path of the tenant.' },
  },
  refusals: [
    'SECRET_IN_CONFIG',
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
      const { tenant, token } = await provision(
        context,
        { ...toProvisioning(wanted), idempotencyKey },
        signal,
      );
      const headers = { location: `${collection}/${tenant.slug}` };
      return {
        ...{ status: 201, headers },
        body: { ...showTenant(tenant), ...(token !== null && { invitation_token: token }) },
      };
    } catch (error) {
      throw withScriptMessage(error, slug);
    }
  },
});

/** Fields in refusals have the names of the body, and those of the configuration stand below `config`. */
async function provision(
  context: CommandContext,
  input: ReturnType<typeof toProvisioning> & { idempotencyKey: string | undefined },
  signal: AbortSignal,
) {
  requireConfig(context, input);
  try {
    return await provisionTenantToEnd(context, input, signal);
  } catch (error) {
    throw withBodyNames(error);
  }
}

function requireConfig({ configRules }: CommandContext, input: Record<string, unknown>): void {
  const { slug, config } = input;
  if (config === undefined) return;
  try {
    readTenantConfig(config, { slug: String(slug), ...configRules });
  } catch (error) {
    throw renameFields(error, (field) => (field === 'config' ? field : `config.${field}`));
  }
}

const show = endpoint({
  id: 'getTenant',
  summary: 'Read a tenant.',
  description:
    'Returns a tenant by slug, id or external id, in any status except purged. Scope: registry:read.',
  action: 'readRegistry',
  query: NoQuery,
  isRepeatable: false,
  answer: { status: 200, description: 'The requested tenant.', schema: Tenant, headers: {} },
  refusals: ['TENANT_NOT_FOUND'],
  async run({ context: { database }, reference }) {
    return ok(showTenant(await requireTenantRecord(database, reference)));
  },
});

const remove = endpoint({
  id: 'deleteTenant',
  summary: 'Delete a tenant.',
  description:
    'Deletes a tenant softly: it stops resolving on every gateway, its data is kept for 30 days, and the mutation ' +
    'restoreTenant restores it until then. Its names stay reserved. Scope: registry:write.',
  action: 'deleteTenant',
  query: NoQuery,
  isRepeatable: true,
  answer: { status: 200, description: 'The deleted tenant.', schema: Tenant, headers: {} },
  refusals: ['TENANT_NOT_FOUND', 'TENANT_DELETED', 'IDEMPOTENCY_KEY_REUSED', 'OPERATION_IN_PROGRESS'],
  async run({ context, reference, idempotencyKey }) {
    const { tenantId } = await deleteTenant(context, { tenantId: reference, idempotencyKey });
    return ok(showTenant(await requireTenantRecord(context.database, tenantId)));
  },
});

/** Endpoints of the collection and of one tenant, by method. */
export const tenantEndpoints = {
  collection: { GET: list, POST: create },
  member: { GET: show, DELETE: remove },
};

function ok(body: unknown, headers: Record<string, string> = {}): RestAnswer {
  return { status: 200, headers, body };
}

/** Returns a short list as an array and streams a long one, so that memory never holds all tenants. */
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
