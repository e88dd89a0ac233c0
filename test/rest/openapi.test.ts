import { createConfig, lintFromString } from '@redocly/openapi-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { statusByCode } from '../../src/errors.js';
import { uniqueName } from '../setup/database.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { languageProblems } from '../setup/plain-language.js';
import { ask, type Description, describeApi } from './support/rest-calls.js';

let gateway: TestGateway;
let api: Description;
beforeAll(async () => {
  gateway = await openGateway();
  api = await describeApi(gateway);
});
afterAll(() => gateway?.close());

const methods = ['get', 'post', 'put', 'delete'];

function everyOperation() {
  return Object.entries(api.document.paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method];
      return operation ? [{ path, method, item, operation }] : [];
    }),
  );
}

describe('openapi.json', () => {
  test('is public, also at a gateway with API keys', async () => {
    const guarded = await openGateway({ sharing: gateway, authMode: 'required' });
    const { status, body, headers } = await ask<{ openapi: string }>(guarded, 'GET /api/openapi.json');
    await guarded.close();
    expect([status, body.openapi]).toEqual([200, '3.1.1']);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
  });

  test('describes every path and its alias, each operation with its id, a summary and a description', () => {
    // Generated clients name their functions after the ids.
    expect(
      everyOperation().map(({ path, method, operation }) => [operation.operationId, `${method} ${path}`]),
    ).toEqual([
      ['listTenants', 'get /api/tenants'],
      ['createTenant', 'post /api/tenants'],
      ['getTenant', 'get /api/tenants/{slug}'],
      ['deleteTenant', 'delete /api/tenants/{slug}'],
      ['listTenantsByAlias', 'get /api/v1/admin/tenants'],
      ['createTenantByAlias', 'post /api/v1/admin/tenants'],
      ['getTenantByAlias', 'get /api/v1/admin/tenants/{slug}'],
      ['deleteTenantByAlias', 'delete /api/v1/admin/tenants/{slug}'],
      ...[
        ['', '/api/v1/tenants'],
        ['BelowTenants', '/api/tenants'],
        ['ByAlias', '/api/v1/admin/tenants'],
      ].flatMap(([suffix, prefix]) => [
        [`getTenantSettings${suffix}`, `get ${prefix}/{slug}/settings`],
        [`putTenantSettings${suffix}`, `put ${prefix}/{slug}/settings`],
        [`getTenantBranding${suffix}`, `get ${prefix}/{slug}/branding`],
        [`putTenantBranding${suffix}`, `put ${prefix}/{slug}/branding`],
      ]),
    ]);
    for (const { path, item, operation } of everyOperation()) {
      expect(operation).toMatchObject({
        summary: expect.any(String),
        description: expect.stringContaining('Scope: '),
      });
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      expect((item.parameters ?? []).map(({ name }) => name)).toEqual(inPath);
    }
  });

  test('describes everything in plain sentences', () => {
    const texts = textsIn(api.document);
    expect(texts.length).toBeGreaterThan(80);
    const wrong = texts.flatMap(({ pointer, text }) =>
      languageProblems(text).map((problem) => `${pointer} ${problem}: ${text}`),
    );
    expect(wrong).toEqual([]);
  });

  test('has no dangling reference and no invalid schema', () => {
    for (const pointer of referencesIn(api.document)) expect(at(pointer), pointer).toBeTypeOf('object');
    for (const name of Object.keys(api.document.components.schemas))
      expect(api.validator(`/components/schemas/${name}`)).toBeTypeOf('function');
  });

  test('passes a linter, which finds what is wrong', async () => {
    expect(await lint(api.document)).toEqual([]);
    const [path, item] = Object.entries(api.document.paths)[0] ?? [];
    const broken = { ...api.document, paths: { [`${path}`]: item, '/again': item } };
    expect(await lint(broken)).toContainEqual(expect.stringMatching(/^operation-operationId-unique: /));
  });

  test('names the codes of every refusal with their meaning, under the status of the error table', () => {
    for (const { operation } of everyOperation())
      for (const [status, response] of Object.entries(operation.responses)) {
        if (Number(status) < 400) continue;
        const codes = codesOf(response.content['application/json']?.schema);
        expect(codes.length).toBeGreaterThan(0);
        for (const code of codes) {
          expect(response.description).toMatch(new RegExp(`\`${code}\`: [A-Z]`));
          if (code in statusByCode)
            expect(statusByCode[code as keyof typeof statusByCode]).toBe(Number(status));
        }
      }
  });

  test('accepts the same bodies as the API', async () => {
    const isDescribed = api.validator('/components/schemas/NewTenant');
    const bodies: Record<string, unknown>[] = [
      { modules: ['finance'] },
      { modules: ['finance'], admin_email: 'ada@acme.example' },
      { modules: ['finance'], admin_email: null },
      { modules: [] },
      { modules: ['Finance'] },
      { modules: 'finance' },
      { name: '' },
      { name: 'x'.repeat(201) },
      { name: undefined },
      { slug: undefined },
      { slug: 'Acme' },
      { slug: 'a' },
      { slug: 'a'.repeat(41) },
      { slug: 'a--b' },
      { colour: 'red' },
      { admin_email: 7 },
      { plan: 'pro', max_users: 7, short_name: null, primary_email: null, branding: null },
      { plan: 'Gold' },
      { plan: null },
      { max_users: -1 },
      { max_users: '1' },
      { id: 7 },
      { timezone: null },
      { short_name: 'x'.repeat(51) },
      { settings: { company_name: 'Acme', website: null } },
      { settings: { company_name: null } },
      { settings: { colour: 'red' } },
      { branding: { primary_color: 'red' } },
      { config: { banking: { bank_name: 'First' } } },
      { config: { bank: 'First' } },
      { config: 7 },
    ];
    for (const fields of bodies) {
      const body = { name: 'Acme', slug: uniqueName('t'), modules: ['finance'], ...fields };
      const { status } = await ask(gateway, 'POST /api/tenants', { body });
      // JSON omits undefined fields, so the schema must see the body as it is sent.
      expect([body, isDescribed(JSON.parse(JSON.stringify(body)))]).toEqual([body, status === 201]);
    }
  });

  test('accepts the same pages as the API', async () => {
    const parameters = api.document.paths['/api/tenants']?.get?.parameters ?? [];
    expect(parameters.map(({ name }) => name)).toEqual(['limit', 'after']);
    const isLimit = api.validator('/paths/~1api~1tenants/get/parameters/0/schema');
    for (const limit of [-1, 0, 1, 1.5, 1_000, 1_001]) {
      const { status } = await ask(gateway, `GET /api/tenants?limit=${limit}`);
      expect([limit, isLimit(limit)]).toEqual([limit, status === 200]);
    }
  });
});

/** The problems that Redocly's recommended rules find. */
async function lint(document: object): Promise<string[]> {
  const config = await createConfig({
    extends: ['recommended'],
    rules: {
      // The product has no license to name.
      'info-license': 'off',
      // The answers of all other paths and methods, to which no path can refer.
      'no-unused-components': 'off',
    },
  });
  const problems = await lintFromString({
    ...{ source: JSON.stringify(document), absoluteRef: 'openapi.json', config },
  });
  return problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} (${location[0]?.pointer})`);
}

function codesOf(schema: object | undefined): string[] {
  const { allOf = [] } = (schema ?? {}) as {
    allOf?: { properties?: { error: { properties: { code: { enum: string[] } } } } }[];
  };
  return allOf.flatMap(({ properties }) => properties?.error.properties.code.enum ?? []);
}

/** Summaries and descriptions; those of refusals have one part per code, such as "`CONFLICT`: Another tenant …". */
function textsIn(value: unknown, pointer = ''): { pointer: string; text: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const path = `${pointer}/${key}`;
    if ((key !== 'summary' && key !== 'description') || typeof inner !== 'string')
      return textsIn(inner, path);
    return inner.split('\n\n').map((part) => ({ pointer: path, text: part.replace(/^`[A-Z_]+`: /, '') }));
  });
}

function referencesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' ? [inner] : referencesIn(inner),
  );
}

function at(pointer: string): unknown {
  return pointer
    .replace(/^#\//, '')
    .split('/')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], api.document);
}
