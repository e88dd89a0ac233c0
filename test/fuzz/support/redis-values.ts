import { isShared } from '../../cache/support/gateways-sharing-redis.js';
import { openGateway, type TestGateway } from '../../setup/gateway.js';
import { mutate } from '../../setup/graphql-calls.js';
import { openRedisServer, type RedisServer } from '../../setup/redis.js';
import { aTenant } from '../../setup/stories.js';
import { until } from '../../setup/until.js';
import { hostileText, mutateJson, mutateText, type Outcome, pick, type Random } from './mutate.js';

const batch = 50;

const nameOf = (id: string) => `tenant-registry:route:${id}/finance`;

/** The answers about all tenants, in their order: the schema or the refusal's code. */
async function askAll(gateway: TestGateway, ids: readonly string[]): Promise<string[]> {
  const { data, errors } = await gateway.ask(
    `query ($keys: [TenantSchemaKey!]!) {
       tenantSchemas(keys: $keys) { ... on TenantSchema { tenantSlug schemaName } ... on TenantSchemaRefusal { code } }
     }`,
    { keys: ids.map((id) => ({ id, module: 'finance' })) },
  );
  return data?.tenantSchemas.map((answer: unknown) => JSON.stringify(answer)) ?? [JSON.stringify(errors)];
}

/** Writes fuzzed values under the names of routes into Redis, and asks a gateway whose memory is empty. */
export async function fuzzRedisValues(count: number, random: Random): Promise<Outcome> {
  const outcome: Outcome = { tried: 0, compared: 0, wrong: [] };
  await using redis = await openRedisServer();
  await using writer = await openGateway({ config: { redisUrl: redis.url } });
  await using reader = await openGateway({ sharing: writer, config: { redisUrl: redis.url } });
  await isShared({ one: writer, two: reader });
  const ids: string[] = [];
  for (const state of ['active', 'active', 'suspended', 'suspended', 'left']) {
    const { id, slug } = await aTenant().subscribedTo('finance').at(writer);
    ids.push(id, slug);
    await askAll(writer, [id, slug]);
    const input = { tenantId: id };
    // Entries from before the change are replayed, too.
    if (state === 'suspended') await mutate(writer, 'suspendTenant', { ...input, reason: 'x' });
    if (state === 'left')
      await mutate(writer, 'unsubscribeTenantFromModule', { ...input, module: 'finance' });
  }
  while (ids.length < batch) ids.push(`nobody-${ids.length}`);
  const before = await readStored(redis);
  writer.app.gateway?.caches.clear();
  for (const id of ids) await redis.command('DEL', nameOf(id));
  const truth = await askAll(writer, ids);
  await until(async () => (await readStored(redis)).length >= batch);
  const corpus = [...before, ...(await readStored(redis))];

  while (outcome.tried < count) {
    const names = ids.slice(0, Math.min(batch, count - outcome.tried));
    const values = names.map(() => fuzzValue(random, corpus));
    await Promise.all(names.map((id, at) => plant(redis, nameOf(id), values[at] ?? '', random)));
    reader.app.gateway?.caches.clear();
    const answers = await askAll(reader, names);
    outcome.tried += names.length;
    for (const [at, id] of names.entries()) {
      outcome.compared++;
      if (answers[at] !== truth[at])
        outcome.wrong.push(`${id}: ${answers[at]} for ${JSON.stringify(values[at])}`);
    }
  }
  return outcome;
}

async function readStored(redis: RedisServer): Promise<string[]> {
  const names = (await redis.command('KEYS', 'tenant-registry:route:*')) as string[];
  const texts = await Promise.all(names.map((name) => redis.command('GET', name)));
  return texts.map(String);
}

async function plant(redis: RedisServer, name: string, value: string, random: Random): Promise<void> {
  if (random(20) > 0) return void (await redis.command('SET', name, value));
  // A value of another type.
  await redis.command('DEL', name);
  if (random(2) === 0) await redis.command('RPUSH', name, value);
  else await redis.command('HSET', name, 'field', value);
}

/** A random text, a changed entry, or an entry whose JSON was changed under its signature. */
function fuzzValue(random: Random, corpus: readonly string[]): string {
  const text = pick(random, corpus);
  const other = pick(random, corpus);
  const [head = '', signature = '', json = '{}'] = text.split('\n');
  const [otherHead = '', otherSignature = '', otherJson = '{}'] = other.split('\n');
  return pick(random, [
    () => hostileText(random),
    () => other,
    () => mutateText(random, text, other),
    () => mutateText(random, text, other),
    () =>
      [head, signature, JSON.stringify(mutateJson(random, JSON.parse(json), JSON.parse(otherJson)))].join(
        '\n',
      ),
    () =>
      [
        pick(random, [head, otherHead]),
        pick(random, [signature, otherSignature]),
        pick(random, [json, otherJson]),
      ].join('\n'),
    () => [head.replace(/^\d+/, String(random(2 ** 31)) + random(10)), signature, json].join('\n'),
  ])();
}
