import type { WaitFor } from '../../../src/feed/acknowledge.js';
import { type Answered, absent, type Point } from './history.js';
import type { ModelGateway, Told } from './model-gateway.js';
import { type Edit, referencesTo } from './model-registry.js';
import type { Host } from './network.js';
import type { World } from './run-history.js';

/** Clients do not crash in these histories, and have an exact clock. */
const outside: Host = { isAlive: true };

const patienceMs = 15_000;

export type Demand = 'as it is' | 'with its token' | 'strong';

/** A client that sends requests to any gateway and may keep the newest revision it has seen as a token. */
export class ModelClient {
  readonly name: string;
  readonly #world: World;
  #token: Answered['token'];

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
  }

  async read(
    asked: readonly (readonly [reference: string, demand: Demand])[],
    gateway = this.#world.anyGateway(),
  ) {
    const questions = asked.map(([reference, demand]) => ({
      client: this.name,
      reference,
      isStrong: demand === 'strong',
      token: demand === 'with its token' ? this.#token : undefined,
    }));
    const told = await ask(this.#world, gateway, questions);
    for (const { answer } of told) this.#see(answer.epoch, answer.asOf, false);
  }

  async change(edit: Edit, waitFor: WaitFor): Promise<void> {
    const { figures } = this.#world;
    const gateway = this.#world.anyGateway();
    const point = await enter(gateway, () => gateway.change(edit, waitFor)).catch(() => undefined);
    figures.count(point ? 'mutations' : 'mutations that failed or had nothing to do');
    if (!point) return;
    this.#see(point.epoch, point.revision, true);
    if (this.#world.chance.happens(0.3))
      await this.read([[this.#world.chance.pick(referencesOf(edit)), 'with its token']]);
  }

  /** For another epoch the client cannot know which is newer, so it keeps the last one seen. */
  #see(epoch: string, revision: bigint, isOwnWrite: boolean): void {
    if (this.#token?.epoch === epoch && this.#token.revision >= revision) return;
    this.#token = { epoch, revision, isOwnWrite };
  }
}

interface Held {
  told: Told;
  until: number;
}

/**
 * A client that reuses answers during their lease. With a name it reports what it has applied and gets changes, so one
 * lease covers its whole cache; without a name each answer has its own lease.
 */
export class CachingClient {
  readonly name: string;
  readonly #world: World;
  readonly #isNamed: boolean;
  readonly #held = new Map<string, Held>();
  #gateway: ModelGateway;
  #has: Point | undefined;
  #renewals = 0;

  constructor(world: World, name: string, isNamed: boolean) {
    this.#world = world;
    this.name = name;
    this.#isNamed = isNamed;
    this.#gateway = world.anyGateway();
    if (isNamed) this.#keepRenewing();
  }

  async read(reference: string): Promise<void> {
    const { time, record, figures } = this.#world;
    const held = this.#held.get(reference);
    if (held && time.now < held.until) {
      const { epoch, asOf, value } = held.told.answer;
      const answer = { epoch, asOf, value, tier: 'client', isStrong: false, token: undefined };
      const when = { at: time.now, start: time.now };
      record({ kind: 'answered', client: this.name, gateway: undefined, reference, ...answer, ...when });
      figures.count('answers from client');
      return;
    }
    const sentAt = time.now;
    const renewals = this.#renewals;
    const client = { name: this.#isNamed ? this.name : undefined };
    const question = { client: this.name, reference, isStrong: false, token: undefined };
    const [told] = await ask(this.#world, this.#gateway, [question], client);
    // An answer to a request from before the last renewal may be older than the changes in that renewal.
    if (told && told.remainingMs > 0 && renewals === this.#renewals)
      this.#held.set(reference, { told, until: sentAt + told.remainingMs });
  }

  async #keepRenewing(): Promise<void> {
    const { time, chance } = this.#world;
    for (;;) {
      await time.sleep(chance.happens(0.9) ? chance.between(200, 1_500) : chance.between(2_000, 7_000));
      if (!this.#gateway.isAlive || this.#gateway.isStopping || chance.happens(0.1))
        this.#gateway = this.#world.anyGateway();
      await this.#renew().catch(() => undefined);
    }
  }

  async #renew(): Promise<void> {
    const { time, figures } = this.#world;
    const sentAt = time.now;
    const has = this.#has;
    const gateway = this.#gateway;
    const renewed = await enter(gateway, () => gateway.renew(this.name, has));
    this.#renewals++;
    if (!renewed || renewed.remainingMs === 0 || !renewed.changed) this.#held.clear();
    for (const { tenantId, tenantSlug, externalIds } of renewed?.changed ?? [])
      if (tenantId === null) this.#held.clear();
      else
        for (const reference of [tenantId, tenantSlug, ...externalIds])
          this.#held.delete(reference ?? absent);
    this.#has = renewed && { epoch: renewed.position.epoch, revision: renewed.position.revision };
    for (const held of this.#held.values()) held.until = sentAt + (renewed?.remainingMs ?? 0);
    figures.count(renewed?.changed ? 'renewals' : 'renewals from nothing');
  }
}

/** Calls a gateway; rejects when it is not running. */
export function enter<T>(gateway: ModelGateway, work: () => Promise<T>, withinMs = patienceMs): Promise<T> {
  return gateway.door.call(outside, withinMs, () => {
    if (!gateway.isAlive || gateway.isStopping) throw new Error('the gateway is not running');
    return work();
  });
}

/** Sends all requests at once; returns an empty result without an answer. */
async function ask(
  world: World,
  gateway: ModelGateway,
  questions: readonly Pick<Answered, 'client' | 'reference' | 'isStrong' | 'token'>[],
  client?: { name: string | undefined },
): Promise<Told[]> {
  const { time, record, figures } = world;
  const start = time.now;
  const plain = questions.map(({ token: atLeast, ...question }) => ({ ...question, atLeast }));
  const told = await enter(gateway, () => gateway.read(plain, client)).catch(() => []);
  if (told.length === 0) figures.count('questions without an answer', questions.length);
  if (told.length > 1) figures.count('answers to batches', told.length);
  for (const [place, { answer }] of told.entries()) {
    const { epoch, asOf, value, tier } = answer;
    const question = questions[place] as (typeof questions)[number];
    figures.count(`answers from ${tier}`);
    record({
      kind: 'answered',
      at: time.now,
      start,
      gateway: gateway.id,
      ...question,
      epoch,
      asOf,
      value,
      tier,
    });
  }
  return told;
}

export function referencesOf(edit: Edit): string[] {
  const tenant = edit.tenant ?? 0;
  return referencesTo(tenant);
}
