import { setTimeout as delay } from 'node:timers/promises';
import { uniqueName } from './database.js';
import type { TestGateway } from './gateway.js';
import { graphql } from './generated/gql.js';

const registerTenant = graphql(`
  mutation RegisterTenant($input: RegisterTenantInput!) {
    registerTenant(input: $input) { tenant { id slug } revision }
  }
`);

const subscribeTenant = graphql(`
  mutation SubscribeTenant($input: SubscribeTenantToModuleInput!) {
    subscribeTenantToModule(input: $input) { operation { id status error } revision }
  }
`);

const readOperation = graphql(`
  query ReadOperation($id: ID!) { operation(id: $id) { id status error } }
`);

const patienceMs = 20_000;

/** Reads an operation until it has ended: a worker may have claimed it before the mutation could run it. */
async function awaitEnd(gateway: Pick<TestGateway, 'ask'>, started: { id: string; status: string }) {
  let operation = started;
  for (const until = Date.now() + patienceMs; Date.now() < until; await delay(20)) {
    if (operation.status !== 'QUEUED' && operation.status !== 'RUNNING') break;
    operation = (await gateway.ask(readOperation, { id: operation.id })).data?.operation ?? operation;
  }
  return operation;
}

/** The tenant that a story has created. */
export interface StoryTenant {
  id: string;
  slug: string;
}

interface TenantStory {
  /** Subscribes the tenant to these modules and creates their storage. */
  subscribedTo(...modules: string[]): TenantStory;
  /** Runs the story at a gateway. */
  at(gateway: Pick<TestGateway, 'ask'>): Promise<StoryTenant>;
}

/**
 * A registered tenant: `await aTenant().subscribedTo('finance').at(gateway)`. The default slug is unique, because tenant
 * databases are named after slugs and all tests share one server.
 */
export function aTenant(fields: { name?: string; slug?: string } = {}): TenantStory {
  const modules: string[] = [];
  return {
    subscribedTo(...more) {
      modules.push(...more);
      return this;
    },
    async at(gateway) {
      const slug = fields.slug ?? uniqueName('t');
      const registered = await gateway.ask(registerTenant, { input: { name: fields.name ?? slug, slug } });
      const tenant = registered.data.registerTenant?.tenant;
      if (!tenant) throw new Error(`could not register ${slug}: ${registered.errors[0]?.message}`);
      for (const module of modules) {
        const subscribed = await gateway.ask(subscribeTenant, { input: { tenantId: slug, module } });
        const started = subscribed.data?.subscribeTenantToModule?.operation;
        const operation = started && (await awaitEnd(gateway, started));
        if (operation?.status !== 'SUCCEEDED')
          throw new Error(`could not subscribe ${slug} to ${module}: ${JSON.stringify(subscribed)}`);
      }
      return tenant;
    },
  };
}
