import type { TenantChange } from '../../../src/client/resolution/knowledge.js';
import type { Resolution as ClientResolution } from '../../../src/client/resolution/route.js';
import { RegistryError } from '../../../src/errors.js';
import type { Change, ChangeView } from '../../../src/feed/change.js';
import { decideRoute, type RouteFacts } from '../../../src/registry/resolution/route.js';

export const epoch = '0123456789abcdef';
export const modules = ['finance', 'operations'] as const;
export const tenants = ['ann', 'ben', 'cora'] as const;
type Module = (typeof modules)[number];
type Tenant = (typeof tenants)[number];

/** One change, by its numbers: the interpretation decides what they mean in the present state. */
export interface Edit {
  what: 'tenant' | 'subscription' | 'module' | 'settings' | 'external id';
  tenant: Tenant;
  module: Module;
  status: number;
}

interface State {
  tenants: ReadonlyMap<Tenant, { status: string; reason: string }>;
  modules: ReadonlyMap<Module, string>;
  subscriptions: ReadonlyMap<string, { status: string; generation: number }>;
  /** Whether the external id of a tenant resolves; absent before the tenant has it. */
  externalIds: ReadonlyMap<Tenant, boolean>;
}

const tenantStatuses = ['active', 'suspended', 'deleted', 'provisioning', 'purged', 'active'];
const subscriptionStatuses = ['active', 'cancelled', 'suspended', 'migrating', 'provisioning', 'active'];
export const idOf = (tenant: Tenant) => `id-${tenant}`;
export const externalIdOf = (tenant: Tenant) => `tn_${tenant}`;

/** A small registry whose every revision can be asked. Each edit is a revision of its own. */
export class ViewWorld {
  readonly #states: State[] = [
    { tenants: new Map(), modules: new Map(), subscriptions: new Map(), externalIds: new Map() },
  ];
  readonly #changes: Omit<Change, 'tenantModules' | 'externalIds'>[] = [];

  get head(): number {
    return this.#states.length - 1;
  }

  edit(edit: Edit): void {
    const { what, tenant, module, status } = edit;
    const before = this.#states.at(-1) as State;
    const isKnown = before.tenants.has(tenant);
    const name = `${tenant} ${module}`;
    const known = before.subscriptions.get(name);
    const next = {
      tenants: new Map(before.tenants),
      modules: new Map(before.modules),
      subscriptions: new Map(before.subscriptions),
      externalIds: new Map(before.externalIds),
    };
    if (what === 'module') {
      next.modules.set(module, `${module}_${this.head}`);
      this.#commit(next, { kind: 'module.updated', tenant: undefined, module });
    } else if (what === 'subscription' && isKnown && before.modules.has(module)) {
      // Status and place change together: a move to another place is a new generation.
      next.subscriptions.set(name, {
        status: subscriptionStatuses[status % 6] as string,
        generation: (known?.generation ?? 0) + 1,
      });
      this.#commit(next, { kind: 'subscription.updated', tenant, module });
    } else if (what === 'external id' && isKnown) {
      const isActive = status % 2 === 0;
      next.externalIds.set(tenant, isActive);
      this.#commit(next, { kind: `external_id.${isActive ? 'created' : 'removed'}`, tenant, module: null });
    } else if (what === 'settings' && isKnown) {
      this.#commit(next, { kind: 'settings.updated', tenant, module: null });
    } else {
      next.tenants.set(tenant, {
        status: tenantStatuses[status % 6] as string,
        reason: `reason ${this.head}`,
      });
      this.#commit(next, { kind: isKnown ? 'tenant.updated' : 'tenant.registered', tenant, module: null });
    }
  }

  #commit(
    state: State,
    { kind, tenant, module }: { kind: string; tenant: Tenant | undefined; module: Module | null },
  ) {
    this.#states.push(state);
    this.#changes.push({
      revision: BigInt(this.head),
      position: 0,
      kind,
      tenantId: tenant === undefined ? null : idOf(tenant),
      tenantSlug: tenant ?? null,
      module,
      previousHash: '',
      hash: '',
    });
  }

  /** The report of a gateway at `readAt` about the changes in a range, as in server/lease.ts. */
  report(after: number, upTo: number, readAt: number, view: ChangeView): TenantChange[] {
    const seen = this.#changes
      .filter(({ revision }) => revision > after && revision <= upTo)
      .map((logged) => {
        const change = { ...logged, externalIds: this.#externalIdsOf(logged.tenantSlug, readAt) };
        return {
          change,
          as: view({ ...change, tenantModules: this.#modulesOf(change.tenantSlug, readAt) }),
        };
      });
    const told: TenantChange[] = seen.filter(({ as }) => as === 'whole').map(({ change }) => change);
    if (seen.some(({ as }) => as === 'refusals'))
      told.push({ tenantId: null, tenantSlug: null, externalIds: [], module: null, refusalsOnly: true });
    return told;
  }

  /** Removed ones as well. */
  #externalIdsOf(slug: string | null, readAt: number): string[] {
    const { externalIds } = this.#states[readAt] as State;
    return tenants.filter((one) => one === slug && externalIds.has(one)).map(externalIdOf);
  }

  #modulesOf(slug: string | null, readAt: number): string[] {
    const { subscriptions } = this.#states[readAt] as State;
    return modules.filter((module) => slug !== null && subscriptions.has(`${slug} ${module}`));
  }

  /** The true answer at a revision, made by the product's own decision. */
  resolve(reference: string, module: Module, asOf: number): ClientResolution {
    const state = this.#states[asOf] as State;
    const isNamedBy = (one: Tenant) =>
      one === reference ||
      idOf(one) === reference ||
      (externalIdOf(one) === reference && state.externalIds.get(one));
    const slug = tenants.find(isNamedBy) as Tenant;
    const tenant = state.tenants.get(slug);
    const subscription = tenant && state.subscriptions.get(`${slug} ${module}`);
    const facts: RouteFacts = {
      tenantId: tenant ? idOf(slug) : null,
      tenantSlug: tenant ? slug : null,
      externalId: tenant && reference === externalIdOf(slug) ? reference : null,
      tenantStatus: tenant?.status ?? null,
      suspendedReason: tenant?.reason ?? null,
      moduleExists: state.modules.has(module),
      subscriptionStatus: subscription?.status ?? null,
      isolation: subscription ? 'schema' : null,
      databaseName: subscription ? (state.modules.get(module) ?? null) : null,
      schemaName: subscription ? `${module}_${slug}` : null,
      generation: subscription?.generation ?? null,
      migrationVersion: null,
    };
    const read = { revision: { epoch, number: BigInt(asOf) }, leaseRemainingMs: 1 };
    const decided = decideRoute({ reference, module }, facts, read);
    if (decided instanceof RegistryError) return { code: decided.code as never, message: decided.message };
    // The fields that a service uses; the revision differs between equal routes.
    const { tenantId, tenantSlug, externalId, schemaName, searchPath, databaseName, isolation, generation } =
      decided;
    return {
      tenantId,
      tenantSlug,
      externalId,
      module,
      schemaName,
      searchPath,
      databaseName,
      isolation,
      generation,
      migrationVersion: null,
      revision: '',
      isStale: false,
    };
  }
}
