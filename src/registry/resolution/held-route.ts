import { HeldEntry, type HeldParts } from '../../cache/held-entry.js';
import { identifier } from '../../database/identifier.js';
import { RegistryError } from '../../errors.js';
import type { Count } from '../../metrics/plain-counter.js';
import { noCounts, type ResolutionCounts } from '../../metrics/resolution-counts.js';
import { type Isolation, readIsolation, type StorageNames, storageNaming } from '../modules/isolation.js';
import { formatRevision } from '../revision.js';
import { decideRoute, outcomeOf, type Route, type RouteFacts, type RouteKey } from './route.js';

/** The name of a route in the tiers. */
export function routeName({ reference, module }: RouteKey): string {
  return `${reference}/${module}`;
}

type SharedFacts = Omit<RouteFacts, 'tenantId' | 'tenantSlug' | 'externalId' | keyof StorageNames>;

/** The facts that many routes share; one object for all of them. */
interface RouteKind extends SharedFacts {
  /** The reference in the key is an external id. */
  hasExternalId: boolean;
  /** The name that each tenant has for itself: of its schema, or of its database. */
  ownName: keyof StorageNames;
  /** The other one. */
  sharedName: string | null;
  /** A route of this kind; undefined when they are refused. */
  example: Route | undefined;
  /** Counts what is answered with routes, or refusals, of this kind. */
  answers: Count;
}

/** A suspended tenant may have a reason of its own; beyond this number of kinds the known ones are forgotten. */
const maxKinds = 1_000;

/** Holds routes in a third of the memory that their facts would take as they are loaded. */
export function createRouteHolder(
  counts: ResolutionCounts = noCounts,
): (parts: HeldParts, facts: RouteFacts) => HeldRoute {
  const kinds = new Map<string, RouteKind>();
  return (parts, facts) => {
    const key = { reference: referenceIn(parts.key), module: moduleIn(parts.key) };
    const { tenantId, tenantSlug, externalId, databaseName, schemaName, ...shared } = facts;
    // A later version may know further kinds of isolation.
    const naming = facts.isolation && storageNaming[readIsolation(facts.isolation)];
    const ownName = naming?.nameField ?? 'schemaName';
    const sharedName = ownName === 'schemaName' ? databaseName : schemaName;
    // All that the decision depends on. Of names it is only whether they are there.
    const isThere = [tenantId, tenantSlug, externalId, facts[ownName]].map(Boolean);
    const id = JSON.stringify([key.module, sharedName, isThere, Object.values(shared)]);
    let kind = kinds.get(id);
    if (!kind) {
      if (kinds.size >= maxKinds) kinds.clear();
      const example = { ...facts, [ownName]: facts[ownName] && 'name' };
      const decided = decideRoute(key, example, {
        revision: { epoch: '', number: 0n },
        leaseRemainingMs: 0,
      });
      kind = {
        ...shared,
        hasExternalId: externalId !== null,
        ownName,
        sharedName,
        example: decided instanceof RegistryError ? undefined : decided,
        answers: counts.of(facts.moduleExists ? key.module : undefined, outcomeOf(decided)),
      };
      kinds.set(id, kind);
    }
    return new HeldRoute(parts, kind, {
      ownName: facts[ownName],
      // The text of the key is there already.
      tenantId: tenantId === key.reference ? undefined : tenantId,
      tenantSlug: tenantSlug === key.reference ? undefined : tenantSlug,
    });
  };
}

/** A route, or a refusal, in memory; its value is itself. */
export class HeldRoute extends HeldEntry<RouteFacts> implements RouteFacts {
  readonly #kind: RouteKind;
  readonly #ownName: string | null;
  /** Undefined: the reference in the key. */
  readonly #tenantId: string | null | undefined;
  readonly #tenantSlug: string | null | undefined;

  constructor(
    parts: HeldParts,
    kind: RouteKind,
    own: {
      ownName: string | null;
      tenantId: string | null | undefined;
      tenantSlug: string | null | undefined;
    },
  ) {
    super(parts);
    this.#kind = kind;
    this.#ownName = own.ownName;
    this.#tenantId = own.tenantId;
    this.#tenantSlug = own.tenantSlug;
  }

  get value(): RouteFacts {
    return this;
  }

  /** The route as decideRoute decides; undefined for a refusal. */
  route(leaseRemainingMs: number): Route | undefined {
    const { example } = this.#kind;
    return example && new AnsweredRoute(this, example, leaseRemainingMs);
  }

  /** To be called once for each answer. */
  countAnswer(): void {
    this.#kind.answers.n++;
  }

  get tenantId(): string | null {
    return this.#tenantId === undefined ? referenceIn(this.key) : this.#tenantId;
  }

  get tenantSlug(): string | null {
    return this.#tenantSlug === undefined ? referenceIn(this.key) : this.#tenantSlug;
  }

  get externalId(): string | null {
    return this.#kind.hasExternalId ? referenceIn(this.key) : null;
  }

  get databaseName(): string | null {
    return this.#kind.ownName === 'databaseName' ? this.#ownName : this.#kind.sharedName;
  }

  get schemaName(): string | null {
    return this.#kind.ownName === 'schemaName' ? this.#ownName : this.#kind.sharedName;
  }

  get tenantStatus(): string | null {
    return this.#kind.tenantStatus;
  }

  get suspendedReason(): string | null {
    return this.#kind.suspendedReason;
  }

  get moduleExists(): boolean {
    return this.#kind.moduleExists;
  }

  get subscriptionStatus(): string | null {
    return this.#kind.subscriptionStatus;
  }

  get isolation(): Lowercase<Isolation> | null {
    return this.#kind.isolation;
  }

  get generation(): number | null {
    return this.#kind.generation;
  }

  get migrationVersion(): string | null {
    return this.#kind.migrationVersion;
  }
}

/** The answer of a held route for one request. Most requests ask for few fields, so each is made when it is read. */
class AnsweredRoute implements Route {
  readonly leaseRemainingMs: number;
  readonly #held: HeldRoute;
  readonly #example: Route;

  constructor(held: HeldRoute, example: Route, leaseRemainingMs: number) {
    this.leaseRemainingMs = leaseRemainingMs;
    this.#held = held;
    this.#example = example;
  }

  // Routes of this kind have tenant and names: the example would be a refusal otherwise.

  get tenantId(): string {
    return this.#held.tenantId as string;
  }

  get tenantSlug(): string {
    return this.#held.tenantSlug as string;
  }

  get externalId(): string | null {
    return this.#held.externalId;
  }

  get schemaName(): string {
    return this.#held.schemaName as string;
  }

  get searchPath(): string {
    return identifier(this.schemaName);
  }

  get databaseName(): string {
    return this.#held.databaseName as string;
  }

  get module(): string {
    return this.#example.module;
  }

  get isolation(): Isolation {
    return this.#example.isolation;
  }

  get generation(): number {
    return this.#example.generation;
  }

  get migrationVersion(): string | null {
    return this.#example.migrationVersion;
  }

  get revision(): string {
    return formatRevision({ epoch: this.#held.epoch, number: this.#held.asOf });
  }
}

// The reverse of routeName: no reference and no module has a slash in it.

function referenceIn(name: string): string {
  return name.slice(0, name.indexOf('/'));
}

function moduleIn(name: string): string {
  return name.slice(name.indexOf('/') + 1);
}
