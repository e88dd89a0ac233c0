import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, openGateway, recordQueries, type TestGateway } from '../setup/gateway.js';
import { graphqlResponse, mutate } from '../setup/graphql-calls.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway({ authMode: 'required' });
});
afterAll(() => gateway?.close());

const facts = 'apiKey { id name scopes createdAt createdBy expiresAt revokedAt lastUsedAt } secret revision';

/** Creates a key as the caller of another key. */
async function createWith(scopes: string[], input: object) {
  const key = await gateway.createKey(...scopes);
  return mutate(gateway, 'createApiKey', input, facts, { key, accept: graphqlResponse });
}

const revoke = (key: string, id: string) =>
  mutate(gateway, 'revokeApiKey', { id }, 'apiKey { id revokedAt } revision', {
    key,
    accept: graphqlResponse,
  });

const statusWith = async (key: string) => (await gateway.ask('{ modules { name } }', {}, { key })).status;

describe('a new API key', () => {
  test('shows its secret once and is accepted for its scopes', async () => {
    const { result } = await createWith(['keys:manage', 'registry:read'], {
      name: 'finance service',
      scopes: ['registry:read', 'registry:read'],
    });
    expect(result.secret).toMatch(/^trk_[\w-]{43}$/);
    expect(result.apiKey).toMatchObject({
      name: 'finance service',
      scopes: ['registry:read'],
      createdBy: expect.stringMatching(/^api-key:[0-9a-f-]{36}$/),
      expiresAt: expect.any(String),
      revokedAt: null,
      lastUsedAt: null,
    });
    const days = (Date.parse(result.apiKey.expiresAt) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(364);
    expect(days).toBeLessThanOrEqual(365);
    const { data, errors } = await gateway.ask('{ modules { name } }', {}, { key: result.secret });
    expect(errors).toEqual([]);
    expect(data.modules).toHaveLength(4);
  });

  test('is stored as a hash: the registry does not contain its secret', async () => {
    const { result } = await createWith(['keys:manage', 'provision'], {
      name: 'hidden',
      scopes: ['provision'],
    });
    const [row] = await gateway.psql('SELECT secret_hash FROM api_keys WHERE id = $1', [result.apiKey.id]);
    expect(row?.secret_hash).toEqual(createHash('sha256').update(result.secret).digest());
    const [found] = await gateway.psql(
      `SELECT (SELECT count(*) FROM registry_change AS c WHERE to_jsonb(c)::text LIKE '%' || $1 || '%')
            + (SELECT count(*) FROM registry_change AS c WHERE to_jsonb(c)::text LIKE '%' || $2 || '%')
            + (SELECT count(*) FROM idempotency_keys AS i WHERE to_jsonb(i)::text LIKE '%' || $1 || '%')
            + (SELECT count(*) FROM api_keys AS k WHERE to_jsonb(k)::text LIKE '%' || $1 || '%') AS places`,
      [result.secret, createHash('sha256').update(result.secret).digest('hex')],
    );
    expect(found?.places).toBe('0');
  });

  test('has a different secret each time', async () => {
    const secrets = await Promise.all(Array.from({ length: 5 }, () => gateway.createKey('provision')));
    expect(new Set(secrets).size).toBe(5);
  });

  test('with an expiry date returns it', async () => {
    const expiresAt = '2099-12-31T23:59:59.000Z';
    const { result } = await createWith(['keys:manage', 'provision'], {
      name: 'k',
      scopes: ['provision'],
      expiresAt,
    });
    expect(result.apiKey.expiresAt).toBe(expiresAt);
  });
});

describe('a key cannot grant more than its own scopes:', () => {
  test.each([
    [['keys:manage'], ['keys:manage']],
    [['keys:manage', 'registry:read'], ['registry:read']],
    [['keys:manage', 'resolve:finance'], ['resolve:finance']],
    [
      ['keys:manage', 'resolve:*'],
      ['resolve:finance', 'resolve:anything', 'resolve:*'],
    ],
  ])('%j may grant %j', async (own, scopes) => {
    const { codes, result } = await createWith(own, { name: 'k', scopes });
    expect(codes).toEqual([]);
    expect(result.apiKey.scopes).toEqual(scopes);
  });

  test.each([
    [['keys:manage'], ['registry:read'], 'registry:read'],
    [['keys:manage', 'registry:read'], ['registry:read', 'registry:write'], 'registry:write'],
    [['keys:manage', 'registry:write'], ['registry:read'], 'registry:read'],
    [['keys:manage', 'resolve:finance'], ['resolve:operations'], 'resolve:operations'],
    [['keys:manage', 'resolve:finance'], ['resolve:*'], 'resolve:*'],
    [['keys:manage', 'resolve:*'], ['audit:read'], 'audit:read'],
    [['provision', 'registry:write'], ['provision'], 'keys:manage'],
  ])('%j may not grant %j', async (own, scopes, missing) => {
    const count = 'SELECT count(*)::int AS keys FROM api_keys';
    const [before] = await gateway.psql(count);
    const { status, codes, errors } = await createWith(own, { name: 'k', scopes });
    expect([status, codes]).toEqual([403, ['FORBIDDEN']]);
    expect(errors[0]?.message).toContain(missing);
    const [after] = await gateway.psql(count);
    // Only the key of the caller exists.
    expect(after?.keys).toBe(before?.keys + 1);
  });

  test('a key that another key created cannot grant more either', async () => {
    const first = await createWith(['keys:manage', 'provision'], { name: 'k', scopes: ['keys:manage'] });
    const { codes } = await mutate(gateway, 'createApiKey', { name: 'k', scopes: ['provision'] }, facts, {
      key: first.result.secret,
    });
    expect(codes).toEqual(['FORBIDDEN']);
  });
});

describe('a key is refused as VALIDATION_ERROR', () => {
  test.each([
    ['without a name', { name: ' ', scopes: ['provision'] }, 'name'],
    ['with a name too long', { name: 'x'.repeat(101), scopes: ['provision'] }, 'name'],
    ['without scopes', { name: 'k', scopes: [] }, 'scopes'],
    ['for everything', { name: 'k', scopes: ['*'] }, 'scopes.0'],
    ['for a scope that is none', { name: 'k', scopes: ['provision', 'registry:admin'] }, 'scopes.1'],
    ['for a scope in capitals', { name: 'k', scopes: ['Provision'] }, 'scopes.0'],
    ['for a module name that is none', { name: 'k', scopes: ['resolve:No Module'] }, 'scopes.0'],
    ['for no module', { name: 'k', scopes: ['resolve:'] }, 'scopes.0'],
    ['with more scopes than there are', { name: 'k', scopes: Array(51).fill('provision') }, 'scopes'],
    ['until yesterday', { name: 'k', scopes: ['provision'], expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
  ])('%s', async (_what, input, field) => {
    const { status, errors } = await createWith(['keys:manage', 'provision'], input);
    expect(status).toBe(400);
    expect(errors[0]?.extensions).toMatchObject({ code: 'VALIDATION_ERROR', fields: [{ field }] });
  });
});

describe('a revoked key', () => {
  test('is rejected when the mutation returns, and revoking it again changes nothing', async () => {
    const manager = await gateway.createKey('keys:manage', 'registry:read');
    const { result } = await mutate(
      gateway,
      'createApiKey',
      { name: 'k', scopes: ['registry:read'] },
      facts,
      {
        key: manager,
      },
    );
    expect(await statusWith(result.secret)).toBe(200);
    const first = await revoke(manager, result.apiKey.id);
    expect(await statusWith(result.secret)).toBe(401);
    expect(Date.now() - Date.parse(first.result.apiKey.revokedAt)).toBeLessThan(60_000);
    const second = await revoke(manager, result.apiKey.id.toUpperCase());
    expect(second.result).toEqual(first.result);
  });

  test('may be the caller’s own key', async () => {
    const manager = await gateway.createKey('keys:manage');
    const [row] = await gateway.psql('SELECT id FROM api_keys ORDER BY created_at DESC LIMIT 1');
    expect((await revoke(manager, row?.id)).codes).toEqual([]);
    expect(await statusWith(manager)).toBe(401);
  });

  test.each([
    ['00000000-0000-4000-8000-000000000000', 'NOT_FOUND', 404],
    ['nobody', 'VALIDATION_ERROR', 400],
    ['', 'VALIDATION_ERROR', 400],
  ])('must exist: %j', async (id, code, expected) => {
    const { status, errors } = await revoke(await gateway.createKey('keys:manage'), id);
    expect(status).toBe(expected);
    expect(errors[0]?.extensions).toMatchObject({ code, fields: [{ field: 'id' }] });
  });
});

describe('a caller manages only keys that it could create:', () => {
  test('it can neither revoke nor rotate a key with a scope that it lacks', async () => {
    const manager = await gateway.createKey('keys:manage', 'resolve:finance');
    const strong = await gateway.createKey('registry:read', 'resolve:finance');
    const [row] = await gateway.psql('SELECT id FROM api_keys ORDER BY created_at DESC LIMIT 1');
    for (const name of ['revokeApiKey', 'rotateApiKey']) {
      const { status, codes, errors } = await mutate(gateway, name, { id: row?.id }, 'revision', {
        key: manager,
        accept: graphqlResponse,
      });
      expect([status, codes]).toEqual([403, ['FORBIDDEN']]);
      expect(errors[0]?.message).toContain('registry:read');
    }
    expect(await statusWith(strong)).toBe(200);
  });
});

describe('a rotated key', () => {
  const rotate = (key: string, input: object) =>
    mutate(gateway, 'rotateApiKey', input, `${facts} previous { id expiresAt revokedAt }`, {
      key,
      accept: graphqlResponse,
    });

  async function aKey(more: object = {}) {
    const manager = await gateway.createKey('keys:manage', 'registry:read');
    const { result } = await mutate(
      gateway,
      'createApiKey',
      { name: 'reports', scopes: ['registry:read'], ...more },
      facts,
      { key: manager },
    );
    return {
      manager,
      id: result.apiKey.id as string,
      secret: result.secret as string,
      expiresAt: result.apiKey.expiresAt,
    };
  }

  test('has a successor with its name and scopes, and is accepted until the end of the overlap', async () => {
    const { manager, id, secret } = await aKey();
    const { codes, result } = await rotate(manager, { id, overlapSeconds: 600 });
    expect(codes).toEqual([]);
    expect(result.apiKey).toMatchObject({ name: 'reports', scopes: ['registry:read'], revokedAt: null });
    expect(result.apiKey.id).not.toBe(id);
    expect(result.previous).toMatchObject({ id, revokedAt: null });
    const overlapMs = Date.parse(result.previous.expiresAt) - Date.now();
    expect(overlapMs).toBeGreaterThan(500_000);
    expect(overlapMs).toBeLessThanOrEqual(600_000);
    expect([await statusWith(secret), await statusWith(result.secret)]).toEqual([200, 200]);
    await gateway.psql(`UPDATE api_keys SET expires_at = now() WHERE id = $1`, [id]);
    expect([await statusWith(secret), await statusWith(result.secret)]).toEqual([401, 200]);
  });

  test('without an overlap is rejected when the mutation returns', async () => {
    const { manager, id, secret } = await aKey();
    expect(await statusWith(secret)).toBe(200);
    const { result } = await rotate(manager, { id, overlapSeconds: 0 });
    expect([await statusWith(secret), await statusWith(result.secret)]).toEqual([401, 200]);
  });

  test('never lives longer for it, and has an overlap of one day by default', async () => {
    const soon = new Date(Date.now() + 60_000).toISOString();
    const short = await aKey({ expiresAt: soon });
    expect((await rotate(short.manager, { id: short.id })).result.previous.expiresAt).toBe(soon);
    const long = await aKey();
    const { result } = await rotate(long.manager, { id: long.id });
    const hours = (Date.parse(result.previous.expiresAt) - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(23.9);
    expect(hours).toBeLessThanOrEqual(24);
  });

  test('by a repeated request is rotated once, and the secret is not shown again', async () => {
    const { manager, id } = await aKey();
    const first = await rotate(manager, { id, idempotencyKey: 'once' });
    const second = await rotate(manager, { id, idempotencyKey: 'once' });
    expect(second.result).toEqual({ ...first.result, secret: null });
  });

  test.each<[string, (id: string) => Promise<unknown>]>([
    ['revoked', (id) => gateway.psql('UPDATE api_keys SET revoked_at = now() WHERE id = $1', [id])],
    ['expired', (id) => gateway.psql('UPDATE api_keys SET expires_at = now() WHERE id = $1', [id])],
  ])('must not be %s', async (state, end) => {
    const { manager, id } = await aKey();
    await end(id);
    const { status, codes, errors } = await rotate(manager, { id });
    expect([status, codes]).toEqual([409, ['CONFLICT']]);
    expect(errors[0]?.message).toContain(state);
  });

  test.each([
    ['00000000-0000-4000-8000-000000000000', 0, 'id', 'NOT_FOUND'],
    ['nobody', 0, 'id', 'VALIDATION_ERROR'],
    ['00000000-0000-4000-8000-000000000000', -1, 'overlapSeconds', 'VALIDATION_ERROR'],
    ['00000000-0000-4000-8000-000000000000', 2_592_001, 'overlapSeconds', 'VALIDATION_ERROR'],
  ])('must exist and have a possible overlap: %j, %d', async (id, overlapSeconds, field, code) => {
    const { status, errors } = await rotate(await gateway.createKey('keys:manage'), { id, overlapSeconds });
    expect(status).toBe(code === 'NOT_FOUND' ? 404 : 400);
    expect(errors[0]?.extensions).toMatchObject({ code, fields: [{ field }] });
  });
});

describe('apiKeys', () => {
  const list = `query ($first: Int, $after: String) { apiKeys(first: $first, after: $after) {
    edges { node { id name scopes createdAt createdBy expiresAt revokedAt lastUsedAt } } pageInfo { hasNextPage endCursor } } }`;

  test('lists every key once, newest first, in pages without a secret', async () => {
    const key = await gateway.createKey('keys:manage');
    await gateway.createKey('registry:read');
    const found: string[] = [];
    let after: string | null = null;
    do {
      const { data, errors }: Answer<undefined> = await gateway.ask(list, { first: 2, after }, { key });
      expect(errors).toEqual([]);
      found.push(...data.apiKeys.edges.map(({ node }: { node: { id: string } }) => node.id));
      after = data.apiKeys.pageInfo.hasNextPage ? data.apiKeys.pageInfo.endCursor : null;
    } while (after !== null);
    const rows = await gateway.psql<{ id: string }>(
      'SELECT id FROM api_keys ORDER BY created_at DESC, id DESC',
    );
    expect(rows.length).toBeGreaterThan(2);
    expect(found).toEqual(rows.map(({ id }) => id));
  });

  const filtered = `query ($first: Int, $after: String, $filter: ApiKeyFilter) { apiKeys(first: $first, after: $after, filter: $filter) {
    totalCount edges { node { name } } pageInfo { hasNextPage endCursor } } }`;

  test('filters by expiry and state, and counts and pages what the filter selects', async () => {
    const key = await gateway.createKey('keys:manage');
    await gateway.psql(
      `INSERT INTO api_keys (name, secret_hash, scopes, expires_at, revoked_at)
         SELECT kind || n, sha256((kind || n)::bytea), '{registry:read}', now() + days * interval '1 day', CASE kind WHEN 'filter revoked ' THEN now() END
         FROM (VALUES ('filter soon ', 25, 3), ('filter later ', 3, 40), ('filter never ', 2, NULL), ('filter expired ', 4, -1), ('filter revoked ', 5, 3))
           AS kinds (kind, times, days), generate_series(1, times) AS n`,
    );
    const all = async (filter: object | null) => {
      const found: string[] = [];
      const counts = new Set<number>();
      let after: string | null = null;
      do {
        const answer: Answer<undefined> = await gateway.ask(filtered, { first: 10, after, filter }, { key });
        expect(answer.errors).toEqual([]);
        const { totalCount, edges, pageInfo } = answer.data.apiKeys;
        counts.add(totalCount);
        found.push(...edges.map(({ node }: { node: { name: string } }) => node.name));
        after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
      } while (after !== null);
      // The count is that of all pages, on each of them.
      expect([...counts]).toEqual([found.length]);
      const counted: Record<string, number> = {};
      for (const name of found) {
        const [, kind] = /^filter (\w+)/.exec(name) ?? [];
        if (kind) counted[kind] = (counted[kind] ?? 0) + 1;
      }
      return counted;
    };
    const expiresBefore = new Date(Date.now() + 14 * 86_400_000).toISOString();
    const soon = { soon: 25 };
    expect(await all({ expiresBefore, isActive: true })).toEqual(soon);
    expect(await all({ expiresBefore })).toEqual({ ...soon, expired: 4, revoked: 5 });
    expect(await all({ isActive: true })).toEqual({ ...soon, later: 3, never: 2 });
    expect(await all({ isActive: false })).toEqual({ expired: 4, revoked: 5 });
    const every = { ...soon, later: 3, never: 2, expired: 4, revoked: 5 };
    for (const filter of [null, {}, { expiresBefore: null, isActive: null }])
      expect(await all(filter)).toEqual(every);
    const { data } = await gateway.ask('{ apiKeys { totalCount } }', {}, { key });
    expect(await gateway.psql('SELECT count(*)::int AS "totalCount" FROM api_keys')).toEqual([data.apiKeys]);
    await gateway.psql(`DELETE FROM api_keys WHERE name LIKE 'filter %'`);
  });

  test('refuses a time that PostgreSQL cannot compare', async () => {
    const key = await gateway.createKey('keys:manage');
    const filter = { expiresBefore: '0000-01-01T00:00:00Z' };
    const { codes, errors } = await gateway.ask(filtered, { filter }, { key });
    expect(codes).toEqual(['VALIDATION_ERROR']);
    expect(errors[0]?.extensions).toMatchObject({ fields: [{ field: 'filter.expiresBefore' }] });
  });

  test.each(['__typename', 'totalCount', 'edges { cursor }', 'pageInfo { hasNextPage }'])(
    'needs keys:manage for { %s }',
    async (fields) => {
      const others = [
        'resolve:*',
        'registry:read',
        'registry:write',
        'provision',
        'audit:read',
        'schema:read',
      ];
      const key = await gateway.createKey(...others);
      expect((await gateway.ask(`{ apiKeys { ${fields} } }`, {}, { key })).codes).toEqual(['FORBIDDEN']);
    },
  );

  test('reads a page by the index of its order, however many keys there are', async () => {
    const key = await gateway.createKey('keys:manage');
    await gateway.psql(
      `SET session_replication_role = replica;
       INSERT INTO api_keys (name, secret_hash, scopes, created_at)
         SELECT 'many', sha256(n::text::bytea), '{registry:read}', '2020-01-01'::timestamptz + n * interval '1 second' FROM generate_series(1, 20000) AS n;
       ANALYZE api_keys`,
    );
    const { data } = await gateway.ask(list, { first: 20 }, { key });
    const after = data.apiKeys.pageInfo.endCursor;
    const sent = await recordQueries(() => gateway.ask(list, { first: 20, after }, { key }));
    const page = sent.find(({ text }) => text.includes('ORDER BY created_at'));
    const plan = await gateway.psql(`EXPLAIN ${page?.text}`, page?.values);
    expect(JSON.stringify(plan)).toContain('api_keys_created_at_id_idx');
    expect(JSON.stringify(plan)).not.toMatch(/Seq Scan|Sort/);
    await gateway.psql(`SET session_replication_role = replica; DELETE FROM api_keys WHERE name = 'many'`);
  });
});
