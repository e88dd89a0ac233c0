import { uniqueName } from '../../setup/database.js';
import type { Answer, TestGateway } from '../../setup/gateway.js';
import { mutate } from '../../setup/graphql-calls.js';
import { waitFor } from './blocked-migration.js';

interface Progress {
  total: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  remaining: number;
}

export interface BulkOperation {
  id: string;
  kind: string;
  status: string;
  error: string | null;
  attempt: number;
  progress: Progress;
}

export interface BulkAnswer {
  operation: BulkOperation;
  revision: string;
  code: string | undefined;
  message: string;
  fields: string[];
}

const fields = 'id kind status error attempt progress { total succeeded failed cancelled remaining }';

export type BulkMutation = 'suspendTenants' | 'resumeTenants' | 'subscribeTenants' | 'updateTenants';

export async function changeMany(
  gateway: Pick<TestGateway, 'ask'>,
  name: BulkMutation | 'retryOperation' | 'cancelOperation',
  input: object,
  options: { key?: string } = {},
): Promise<BulkAnswer> {
  const { result, errors } = await mutate(gateway, name, input, `operation { ${fields} } revision`, options);
  return {
    operation: result?.operation,
    revision: result?.revision,
    code: errors[0]?.extensions.code,
    message: errors[0]?.message ?? '',
    fields: errors[0]?.extensions.fields?.map(({ field }) => field) ?? [],
  };
}

export async function readBulk(gateway: Pick<TestGateway, 'ask'>, id: string): Promise<BulkOperation> {
  const { data } = await gateway.ask(`query ($id: ID!) { operation(id: $id) { ${fields} } }`, { id });
  return data.operation;
}

const open = ['QUEUED', 'RUNNING'];

/** Waits for the end of the operation. */
export async function endOf(
  gateway: Pick<TestGateway, 'ask'>,
  { operation }: { operation: { id: string } },
): Promise<BulkOperation> {
  await waitFor(async () => !open.includes((await readBulk(gateway, operation.id)).status));
  return readBulk(gateway, operation.id);
}

export interface ResultView {
  reference: string;
  tenantId: string | null;
  status: string;
  code: string | null;
  message: string | null;
  tenant: { slug: string; status: string } | null;
  operation: { id: string; status: string } | null;
}

/** All results of the operation, page by page. */
export async function readResults(
  gateway: Pick<TestGateway, 'ask'>,
  id: string,
  { statuses, first = 100 }: { statuses?: string[]; first?: number } = {},
): Promise<ResultView[]> {
  const results: ResultView[] = [];
  for (let after: string | null = null; ; ) {
    const answer: Answer<undefined> = await gateway.ask(
      `query ($id: ID!, $first: Int, $after: String, $statuses: [OperationStatus!]) { operation(id: $id) {
         tenantResults(first: $first, after: $after, filter: { statuses: $statuses }) {
           pageInfo { hasNextPage endCursor }
           edges { node { reference tenantId status code message tenant { slug status } operation { id status } } } } } }`,
      { id, first, after, statuses },
    );
    if (answer.errors[0]) throw new Error(answer.errors[0].message);
    const { edges, pageInfo } = answer.data.operation.tenantResults;
    results.push(...edges.map(({ node }: { node: ResultView }) => node));
    if (!pageInfo.hasNextPage) return results;
    after = pageInfo.endCursor;
  }
}

/** Tenants in the given statuses, which are made by SQL; the key of each is its status with a number. */
export async function makeTenants(
  gateway: Pick<TestGateway, 'psql'>,
  statuses: readonly string[],
  { prefix = uniqueName('t') }: { prefix?: string } = {},
): Promise<{ id: string; slug: string; status: string }[]> {
  const made = await gateway.psql<{ id: string; slug: string; status: string }>(
    `INSERT INTO tenants (slug, name, status)
     SELECT $1 || '-' || number, 'Tenant ' || number, status::tenant_status
     FROM unnest($2::text[]) WITH ORDINALITY AS given (status, number) RETURNING id, slug, status::text`,
    [prefix, statuses],
  );
  return made.toSorted((a, b) => Number(a.slug.split('-')[1]) - Number(b.slug.split('-')[1]));
}

/** How often the audit log has each kind of change of these tenants. */
export async function readChanges(
  gateway: Pick<TestGateway, 'psql'>,
  tenants: readonly { id: string }[],
  kind: string,
): Promise<{ entries: number; tenants: number; revisions: number; actors: string[] }> {
  const [row] = await gateway.psql<{ entries: number; tenants: number; revisions: number; actors: string[] }>(
    `SELECT count(*)::int AS entries, count(DISTINCT tenant_id)::int AS tenants,
       count(DISTINCT revision)::int AS revisions, array_agg(DISTINCT actor) AS actors
     FROM registry_change WHERE tenant_id = ANY ($1::uuid[]) AND kind = $2`,
    [tenants.map(({ id }) => id), kind],
  );
  return row ?? { entries: 0, tenants: 0, revisions: 0, actors: [] };
}
