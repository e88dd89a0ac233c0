import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { developer } from '../../src/auth/caller.js';
import { type ProvisioningEnvironment, query, queryOnce } from './provisioning-environment.js';
import { commands, type Scenario } from './scenarios.js';
import {
  databasesOf,
  findBrokenHistories,
  findOrphans,
  readState,
  type State,
  urlTo,
} from './tenant-state.js';
import { type Interruption, type Point, type Victims, wasInterrupted } from './victim-processes.js';

/** A scenario's states and statements when it is not interrupted. */
export interface Recording {
  scenario: Scenario;
  points: Point[];
  before: State;
  after: State;
  /** Names of the steps that succeeded. */
  steps: string[];
}

export interface Verdict {
  /** The statement at which it was interrupted. */
  point: Point | undefined;
  problems: string[];
  /** Time from the interruption until no operation was left, in milliseconds. */
  recoveredMs: number;
}

export async function record(
  environment: ProvisioningEnvironment,
  victims: Victims,
  scenario: Scenario,
): Promise<Recording> {
  const slug = newSlug();
  await scenario.arrange(environment, slug);
  const before = await readState(environment, slug);
  const words = await victims.send(orderOf(scenario, slug));
  if (!words || words.error)
    throw new Error(`${scenario.name} fails without an interruption: ${words?.error}`);
  await environment.recover(slug);
  const after = await readState(environment, slug);
  const steps = await environment.psql<{ name: string }>(
    `SELECT DISTINCT step.name FROM operation_steps AS step JOIN operations ON operations.id = operation_id
     JOIN tenants ON tenants.id = tenant_id WHERE slug = $1 AND step.status IN ('succeeded', 'compensated')`,
    [slug],
  );
  await clear(environment, slug);
  return { scenario, points: words.points, before, after, steps: steps.map(({ name }) => name) };
}

/**
 * Interrupts a scenario at one statement, lets it recover, sends the request again and checks the state each time. Where a heartbeat or a
 * wait for a worker was recorded, a faster run has fewer statements and ends before the one that is meant; it is then begun anew.
 */
export async function interrupt(
  environment: ProvisioningEnvironment,
  victims: Victims,
  recording: Recording,
  interruption: Interruption,
  attempts = 3,
): Promise<Verdict> {
  const verdict = await interruptOnce(environment, victims, recording, interruption);
  return isMissed(verdict) && attempts > 1
    ? interrupt(environment, victims, recording, interruption, attempts - 1)
    : verdict;
}

/** The same for a statement that was drawn: where so many heartbeats were recorded that each run ends before it, an earlier one is taken. */
export async function interruptAround(
  environment: ProvisioningEnvironment,
  victims: Victims,
  recording: Recording,
  { at, ...how }: Interruption,
): Promise<Verdict> {
  const verdict = await interrupt(environment, victims, recording, { at, ...how });
  return isMissed(verdict) && at > 1
    ? interruptAround(environment, victims, recording, { at: Math.floor(at * 0.8), ...how })
    : verdict;
}

function isMissed({ problems }: Verdict): boolean {
  return problems.length === 1 && problems[0] === notInterrupted;
}

const notInterrupted = 'was not interrupted';

async function interruptOnce(
  environment: ProvisioningEnvironment,
  victims: Victims,
  recording: Recording,
  interruption: Interruption,
): Promise<Verdict> {
  const { scenario, before, after } = recording;
  const slug = newSlug();
  const problems: string[] = [];
  await scenario.arrange(environment, slug);
  using watch = watchRoutes(environment, scenario, slug, problems);
  const goesOn = interruption.how === 'cut';
  const words = await victims.send({ ...orderOf(scenario, slug), interruption, goesOn });
  const since = performance.now();
  if (!wasInterrupted(interruption, words)) problems.push(notInterrupted);

  await checkRoutes(environment, scenario, slug, problems);
  // The operation that restores guards is postponed while a command may still open them, but only for a short time.
  const [late] = await environment.psql(
    `SELECT FROM operations WHERE status = 'queued' AND run_after > now() + interval '30 seconds'
       AND tenant_id = (SELECT id FROM tenants WHERE slug = $1)`,
    [slug],
  );
  if (late) problems.push('left undone for longer than half a minute');
  await environment.psql(
    `UPDATE operations SET run_after = now() WHERE kind = 'bind_storage' AND status = 'queued'`,
  );
  const recovering = environment.recover(slug);
  await recovering.catch((error) => problems.push(String(error)));
  const recoveredMs = performance.now() - since;
  const recovered = await readState(environment, slug);
  if (!isSame(recovered, before) && !isSame(recovered, after))
    problems.push(`neither done nor undone: ${difference(recovered, after)}`);
  const isUndone = isSame(recovered, before);
  if (!scenario.isFound || !isUndone)
    problems.push(...(await findOrphans(environment, slug)).map((orphan) => `orphaned ${orphan}`));

  // adoptStorage has no idempotency key, so a second request after a success would be another adoption.
  if (isUndone || !scenario.isFound)
    await askAgain(environment, scenario, slug).catch((error) => problems.push(`asked again: ${error}`));
  await environment.recover(slug, { removals: scenario.command === undefined });
  const final = await readState(environment, slug);
  if (!isSame(final, after)) problems.push(`ends otherwise: ${difference(final, after)}`);
  problems.push(...(await findOrphans(environment, slug)).map((orphan) => `orphaned ${orphan}`));
  problems.push(...(await findBrokenHistories(environment, slug)).map((history) => `history of ${history}`));
  await watch.end();
  await clear(environment, slug);
  return { point: recording.points[interruption.at - 1], problems: [...new Set(problems)], recoveredMs };
}

function orderOf({ command, input }: Scenario, slug: string) {
  return { slug, command: command ?? 'removeWhatIsDue', input: input(slug), goesOn: false };
}

/** Sends the same request again, as a caller does that got no answer. */
async function askAgain(
  { app }: ProvisioningEnvironment,
  { command, input }: Scenario,
  slug: string,
): Promise<void> {
  if (command) await commands[command](app.commandsFor(developer), input(slug));
}

function newSlug(): string {
  return `k${randomBytes(6).toString('hex')}`;
}

/** Checks that every module that resolves has complete storage at that moment. */
async function checkRoutes(
  environment: ProvisioningEnvironment,
  scenario: Scenario,
  slug: string,
  problems: string[],
): Promise<void> {
  for (const module of scenario.watched) {
    const answer = await environment.resolve(slug, module);
    if (!answer.startsWith('schema ')) continue;
    const flaw = await findFlaw(environment, scenario, slug, module);
    // Asked again, because the tenant may have been suspended in between.
    if (flaw && (await environment.resolve(slug, module)) === answer)
      problems.push(`${module} resolves half-made: ${flaw}`);
  }
}

function watchRoutes(
  environment: ProvisioningEnvironment,
  scenario: Scenario,
  slug: string,
  problems: string[],
) {
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      await checkRoutes(environment, scenario, slug, problems);
      await delay(100);
    }
  })();
  watching.catch(() => undefined);
  return {
    async end() {
      isOver = true;
      await watching;
    },
    [Symbol.dispose]() {
      isOver = true;
    },
  };
}

/** Enters as a service does; returns what is missing, or undefined. */
async function findFlaw(
  { psql, urls }: ProvisioningEnvironment,
  { isolation }: Scenario,
  slug: string,
  module: string,
): Promise<string | undefined> {
  const [route] = await psql<{ id: string; schema: string; database: string; generation: number }>(
    `SELECT tenants.id, schema_name AS schema, database_name AS database, generation
     FROM module_subscriptions JOIN tenants ON tenants.id = tenant_id WHERE slug = $1 AND module = $2`,
    [slug, module],
  );
  if (!route) return 'no row';
  const url = module === 'alpha' || module === 'gamma' ? urls.one : urls.two;
  const place = isolation === 'SCHEMA' ? url : urlTo(url, route.database);
  try {
    const [found] = await queryOnce<{ note: string | null }>(
      place,
      `SELECT to_regclass(tenant_guard.enter($1, $2, $3) || '.note') AS note`,
      [route.id, route.schema, route.generation],
    );
    return found?.note ? undefined : 'no tables';
  } catch (error) {
    return String(error);
  }
}

/** Drops the storage of the case, so that later cases are not slowed down. */
async function clear({ urls }: ProvisioningEnvironment, slug: string): Promise<void> {
  for (const url of [urls.one, urls.two]) {
    for (const name of await databasesOf(url, slug)) await query(url, `DROP DATABASE "${name}" WITH (FORCE)`);
    const schemas = await query<{ name: string }>(
      url,
      'SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE $1',
      [`%${slug}%`],
    );
    for (const { name } of schemas) await query(url, `DROP SCHEMA "${name}" CASCADE`);
  }
}

const isSame = isDeepStrictEqual;

/** The first path at which two values differ. */
function difference(found: unknown, wanted: unknown, path = ''): string {
  if (typeof found !== 'object' || typeof wanted !== 'object' || found === null || wanted === null)
    return `${path} is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`;
  const keys = [...new Set([...Object.keys(found), ...Object.keys(wanted)])];
  const at = (value: object, key: string) => (value as Record<string, unknown>)[key];
  const key = keys.find((name) => !isSame(at(found, name), at(wanted, name)));
  return key === undefined
    ? `${path} is the same`
    : difference(at(found, key), at(wanted, key), `${path}/${key}`);
}
