import type { TestGateway } from '../../setup/gateway.js';

interface OperationView {
  id: string;
  status: string;
  error: string | null;
  finishedAt: string | null;
  steps: { name: string; module: string | null; status: string; error: string | null }[];
}

interface SubscriptionView {
  schemaName: string;
  databaseName: string;
  isolation: string;
  status: string;
  generation: number;
  migrationVersion: string | null;
}

interface Refusable {
  /** Code of the refusal; undefined when there was none. */
  code: string | undefined;
  message: string;
  fields: string[];
}

export interface SubscriptionResult extends Refusable {
  subscription: SubscriptionView;
  operation: OperationView;
}

export interface ProvisioningResult extends Refusable {
  tenant: { id: string; slug: string; status: string };
  operation: OperationView;
}

const operation = 'operation { id status error finishedAt steps { name module status error } }';
const subscription = 'subscription { schemaName databaseName isolation status generation migrationVersion }';

export function subscribe(gateway: TestGateway, input: object): Promise<SubscriptionResult> {
  return mutate(gateway, 'subscribeTenantToModule', `${subscription} ${operation}`, input);
}

export function unsubscribe(gateway: TestGateway, input: object): Promise<SubscriptionResult> {
  return mutate(gateway, 'unsubscribeTenantFromModule', subscription, input);
}

export function provisionModule(gateway: TestGateway, input: object): Promise<SubscriptionResult> {
  return mutate(gateway, 'provisionModule', `${subscription} ${operation}`, input);
}

export function markProvisioned(gateway: TestGateway, input: object): Promise<SubscriptionResult> {
  return mutate(gateway, 'markModuleProvisioned', `${subscription} ${operation}`, input);
}

export function provision(
  gateway: TestGateway,
  input: { slug: string; modules: string[] } & Record<string, unknown>,
): Promise<ProvisioningResult> {
  const given = { name: input.slug, adminEmail: 'admin@example.com', ...input };
  return mutate(gateway, 'provisionTenant', `tenant { id slug status } ${operation}`, given);
}

async function mutate<Result>(
  gateway: TestGateway,
  name: string,
  fields: string,
  input: object,
): Promise<Result & Refusable> {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  const { data, errors } = await gateway.ask(
    `mutation ($input: ${type}!) { ${name}(input: $input) { ${fields} } }`,
    { input },
  );
  const [error] = errors;
  return {
    ...data?.[name],
    code: error?.extensions.code,
    message: error?.message ?? '',
    fields: error?.extensions.fields?.map(({ field }) => field) ?? [],
  };
}

/** "schema finance_acme", or the code of the refusal. */
export async function resolve(gateway: TestGateway, id: string, module: string): Promise<string> {
  const { data, codes } = await gateway.ask(
    `query ($id: ID!, $module: ModuleName!) { tenantSchema(id: $id, module: $module) { schemaName } }`,
    { id, module },
  );
  return codes[0] ?? `schema ${data.tenantSchema.schemaName}`;
}

/** A tenant; an attempt in a history has the id of its operation. */
export interface TenantView {
  id: string;
  status: string;
  subscriptions: (SubscriptionView & { module: { name: string }; history: OperationView[] })[];
}

export async function readTenant(gateway: TestGateway, id: string): Promise<TenantView> {
  const { data } = await gateway.ask(
    `query ($id: ID!) {
       tenant(id: $id) {
         id status
         subscriptions {
           module { name } schemaName databaseName isolation status generation migrationVersion
           history { edges { node { status error finishedAt steps { name module status error } operation { id } } } }
         }
       }
     }`,
    { id },
  );
  const { subscriptions, ...tenant } = data.tenant;
  return {
    ...tenant,
    subscriptions: subscriptions.map(
      (one: { history: { edges: { node: { operation: { id: string } } }[] } }) => ({
        ...one,
        history: one.history.edges.map(
          ({
            node: {
              operation: { id },
              ...attempt
            },
          }) => ({ id, ...attempt }),
        ),
      }),
    ),
  };
}
