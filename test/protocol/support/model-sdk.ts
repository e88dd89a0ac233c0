import { Knowledge } from '../../../src/client/resolution/knowledge.js';
import { formatRevision, type Resolution, readRevision } from '../../../src/client/resolution/route.js';
import type { Change } from '../../../src/feed/change.js';
import { type Point, readValue } from './history.js';
import { enter } from './model-clients.js';
import type { ModelGateway } from './model-gateway.js';
import { externalIdOf, idOf, slugOf } from './model-registry.js';
import type { World } from './run-history.js';

interface Claim {
  epoch: string;
  asOf: bigint;
  value: string;
}

/** The keys that it requests repeatedly, as many as its cache may have. */
const favourites = [idOf(0), slugOf(0), slugOf(1), externalIdOf(0)];

/** The client package's real cache; its requests are modelled after src/client. */
export class SdkClient {
  readonly name: string;
  readonly #world: World;
  readonly #knowledge: Knowledge;
  readonly #claims = new WeakMap<Resolution, Claim>();
  #gateway: ModelGateway;
  #isRenewing = false;
  /** True while it reaches no gateway. */
  #isCutOff = false;
  /** The history of its last answer: it must not return to an earlier one. */
  #toldFrom: string | undefined;

  constructor(world: World, name: string) {
    this.name = name;
    this.#world = world;
    this.#gateway = world.anyGateway();
    this.#knowledge = new Knowledge({ clock: () => world.time.now, module: 'finance', maxTenants: 4 });
    this.#keepRenewing();
    this.#keepReading();
  }

  async read(reference: string): Promise<void> {
    const { time, record, figures } = this.#world;
    const start = time.now;
    const lastToldFrom = this.#toldFrom;
    const token = lastToldFrom === undefined ? undefined : { epoch: lastToldFrom, revision: 0n };
    const asked = { kind: 'answered', client: this.name, reference, start, isStrong: false } as const;
    const known = this.#knowledge.find(reference)?.resolution;
    const held = known && this.#claims.get(known);
    const tell = (claim: Claim, from: { gateway?: string; tier: string }, atLeast = token) => {
      this.#toldFrom = claim.epoch;
      record({
        ...{ ...asked, ...claim, gateway: undefined, ...from, at: time.now },
        token: atLeast && { ...atLeast, isOwnWrite: false },
      });
    };
    if (held) {
      figures.count('answers from sdk');
      return tell(held, { tier: 'sdk' });
    }
    if (this.#isCutOff) return;
    for (let attempt = 0; attempt < 4; attempt++) {
      const floor = this.#knowledge.floorOf([reference]);
      const atLeast = floor === undefined ? undefined : pointOf(floor);
      const gateway = this.#gateway;
      const question = { reference, isStrong: false, atLeast };
      const told = await enter(gateway, () => gateway.read([question]), answerWithinMs).catch(() => []);
      const answer = told[0]?.answer;
      if (answer) {
        const { epoch, asOf, value, tier } = answer;
        const claim = { epoch, asOf, value };
        const outcome = this.#learn(reference, claim);
        figures.count(`answers that an sdk found ${outcome}`);
        if (outcome !== 'overtaken') return tell(claim, { gateway: gateway.id, tier }, atLeast);
      }
      if (!answer || attempt > 1) this.#goElsewhere();
    }
    figures.count('questions without an answer');
  }

  /** An event of a gateway, which may arrive late. */
  hear(change: Change, epoch: string): void {
    if (this.#isCutOff) return;
    if (this.#knowledge.hear(change, formatRevision({ epoch, number: Number(change.revision) })))
      void this.#renewAll();
  }

  #learn(reference: string, claim: Claim) {
    const resolution = resolutionOf(reference, claim.value);
    this.#claims.set(resolution, claim);
    const revision = formatRevision({ epoch: claim.epoch, number: Number(claim.asOf) });
    return this.#knowledge.learn(reference, { resolution, revision });
  }

  #goElsewhere(): void {
    this.#gateway = this.#world.anyGateway();
  }

  async #keepRenewing(): Promise<void> {
    const { time, chance, options } = this.#world;
    for (;;) {
      this.#isCutOff = options.hasFaults && chance.happens(0.08);
      await time.sleep(this.#isCutOff ? chance.between(2_000, 9_000) : chance.between(200, 1_200));
      this.#isCutOff = false;
      if (chance.happens(0.05)) this.#goElsewhere();
      await this.#renewAll();
    }
  }

  /** Mostly keys in its cache, which cost no request. */
  async #keepReading(): Promise<void> {
    const { time, chance } = this.#world;
    for (;;) {
      // While it is disconnected, only the end of its lease prevents stale answers.
      await time.sleep(this.#isCutOff ? chance.between(50, 300) : chance.between(200, 2_500));
      // Several lookups at once: some send requests, and changes arrive before their answers.
      await Promise.race([this.read(chance.pick(favourites)), time.sleep(10)]);
    }
  }

  /** Repeats while there are changes to confirm; one renewal at a time. */
  async #renewAll(): Promise<void> {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    while (await this.#renew().catch(() => false));
    this.#isRenewing = false;
  }

  async #renew(): Promise<boolean> {
    const { time, figures } = this.#world;
    const sent = { at: time.now, has: this.#knowledge.position };
    const has = sent.has === undefined ? undefined : pointOf(sent.has);
    const gateway = this.#gateway;
    const renewed = await enter(gateway, () => gateway.renew(this.name, has), renewedWithinMs).catch(
      () => undefined,
    );
    const { epoch = '', revision = 0n } = renewed?.position ?? {};
    const outcome = this.#knowledge.renew(
      {
        revision: renewed ? formatRevision({ epoch, number: Number(revision) }) : null,
        leaseRemainingMs: renewed?.remainingMs ?? 0,
        changed: renewed?.changed ?? null,
      },
      sent,
    );
    figures.count(`sdk: ${outcome}`);
    if (outcome !== 'renewed') this.#goElsewhere();
    return outcome === 'renewed' && this.#knowledge.position !== sent.has;
  }
}

/** Timeouts of src/client for an answer and for a renewal, in milliseconds. */
const answerWithinMs = 2_000;
const renewedWithinMs = 1_000;

function pointOf(revision: string): Point {
  const { epoch, number } = readRevision(revision);
  return { epoch, revision: BigInt(number) };
}

function resolutionOf(reference: string, value: string): Resolution {
  const route = readValue(value);
  if (route?.status !== 'active') return { code: 'TENANT_NOT_FOUND', message: value };
  return {
    ...{
      tenantId: route.tenant,
      tenantSlug: reference,
      externalId: null,
      module: 'finance',
      schemaName: route.schema,
    },
    ...{ searchPath: route.schema, databaseName: 'finance', isolation: 'SCHEMA', generation: 1 },
    migrationVersion: null,
    ...{ revision: '', isStale: false },
  };
}
