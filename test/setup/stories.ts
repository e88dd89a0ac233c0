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
    subscribeTenantToModule(input: $input) { operation { status error } revision }
  }
`);

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
        const operation = subscribed.data?.subscribeTenantToModule?.operation;
        if (operation?.status !== 'SUCCEEDED')
          throw new Error(`could not subscribe ${slug} to ${module}: ${JSON.stringify(subscribed)}`);
      }
      return tenant;
    },
  };
}
