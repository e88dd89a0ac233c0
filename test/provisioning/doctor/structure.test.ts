import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '../../../src/provisioning/doctor/finding.js';
import { queryOnce } from '../../database/support/temporary-databases.js';
import { uniqueName } from '../../setup/database.js';
import type { Answer } from '../../setup/gateway.js';
import { mutate } from '../../setup/graphql-calls.js';
import { aTenant } from '../../setup/stories.js';
import { urlTo } from '../support/catalog.js';
import { type Doctor, openDoctor } from '../support/doctor.js';
import { type GatewayWithModules, openGatewayWithModules } from '../support/gateway-with-own-modules.js';
import type { BulkStorage } from '../support/many-storages.js';
import { harmlessChanges, structuralFaults, structuredFiles } from '../support/structural-faults.js';
import { createStructuredStorages, damage, keyOf } from '../support/structured-storages.js';

const crm = uniqueName('c');
const vault = `v${uniqueName('').slice(-8)}`;
const [owner, access] = [`${crm}_tenants`, `${crm}_access`];
const roles = [owner, access];
const onServer = (sql: string) => queryOnce(urlTo('postgres'), sql);

let testbed: GatewayWithModules;
let doctor: Doctor;
let storages: BulkStorage[];
let findings: Finding[];
beforeAll(async () => {
  await onServer(roles.map((role) => `CREATE ROLE ${role}`).join('; '));
  testbed = await openGatewayWithModules(
    { name: crm, migrations: structuredFiles, schemaPrefix: 'crm_' },
    { name: vault, migrations: structuredFiles, isolation: 'DATABASE', schemaPrefix: `${vault}_` },
  );
  doctor = await openDoctor(testbed);
  // Also installs the guard. The schema has the name of one of its tables, and another one that of a column.
  const { gateway, modulesDir } = testbed;
  await aTenant({ slug: 'account' }).subscribedTo(crm, vault).at(gateway);
  const module = { name: crm, url: testbed.url(crm), owner, access };
  storages = await createStructuredStorages({ registryUrl: gateway.registry.url, modulesDir }, module, {
    tenants: structuralFaults.length + harmlessChanges.length,
    slugs: 'bulk-',
  });
  expect((await doctor.diagnose({ structure: true })).findings).toEqual([]);
  const changes = [...structuralFaults.map(({ sql }) => sql), ...harmlessChanges];
  await damage(
    module,
    changes.map((sql, at) => ({ schema: storages[at]?.schema ?? '', sql })),
  );
  findings = (await doctor.diagnose({ structure: true })).findings;
});
afterAll(async () => {
  await doctor?.close();
  await testbed?.close();
  await onServer(`DROP ROLE ${roles.join(', ')}`);
});

const foundIn = (storage: BulkStorage | undefined) =>
  findings
    .filter(({ schema }) => schema === storage?.schema)
    .map((finding) =>
      `${finding.code} ${finding.objectKind} ${finding.objectName}`.replaceAll(`${finding.schema}.`, ''),
    );

describe('doctor --structure finds, and finds nothing else', () => {
  test.each(structuralFaults.map((fault, at) => ({ ...fault, at })))('$title', ({ at, ...fault }) => {
    expect(foundIn(storages[at])).toEqual([keyOf(fault, { owner })]);
  });

  test('no difference where only data, comments, partitions of services and statistics were changed', () => {
    expect(storages.slice(structuralFaults.length).flatMap(foundIn)).toEqual([]);
  });
});

const repair = (input: object) =>
  mutate(testbed.gateway, 'repairDrift', input, 'finding { status objectName resolvedBy }');
const findingOf = (at: number) => findings.find(({ schema }) => schema === storages[at]?.schema);

describe('repairDrift', () => {
  test('lists what doctor has found, with the same ids', async () => {
    const ids = new Set<string>();
    for (let after: string | null = null; ; ) {
      const { data }: Answer<undefined> = await testbed.gateway.ask(
        `query ($after: String) { drift(first: 50, after: $after) { totalCount edges { node { id } } pageInfo { hasNextPage endCursor } } }`,
        { after },
      );
      expect(data.drift.totalCount).toBe(findings.length);
      for (const { node } of data.drift.edges) ids.add(node.id);
      if (!data.drift.pageInfo.hasNextPage) break;
      after = data.drift.pageInfo.endCursor;
    }
    expect([...ids].sort()).toEqual(findings.map(({ id }) => id).sort());
  });

  test.each(structuralFaults.map((fault, at) => ({ ...fault, at })))(
    'makes it as the files do, or says why not: $title',
    async ({ at, code, isRepairable = true }) => {
      const { id, objectName } = findingOf(at) ?? { id: '', objectName: null };
      const input = { id, resolution: 'KEEP_REGISTRY' };
      const drops = code === 'STRUCTURE_EXTRA';
      if (drops)
        expect((await repair({ ...input, confirm: 'something' })).codes).toEqual(['VALIDATION_ERROR']);
      const repaired = await repair({ ...input, ...(drops && { confirm: objectName }) });
      if (isRepairable)
        expect(repaired).toMatchObject({ result: { finding: { status: 'REPAIRED', objectName } } });
      else expect(repaired.codes).toEqual(['CONFLICT']);
    },
    30_000,
  );

  test('leaves nothing to find but what it has refused, which KEEP_DATABASE and IGNORE take out of the reports', async () => {
    const refused = structuralFaults.flatMap((fault, at) =>
      fault.isRepairable === false ? [findingOf(at)?.id] : [],
    );
    const left = await doctor.diagnose({ structure: true });
    expect(left.findings.map(({ id }) => id).sort()).toEqual(refused.toSorted());
    for (const [at, id] of refused.entries())
      expect((await repair({ id, resolution: at % 2 ? 'IGNORE' : 'KEEP_DATABASE' })).codes).toEqual([]);
    expect(await doctor.diagnose({ structure: true })).toMatchObject({
      findings: [],
      decided: refused.length,
    });
    const { data } = await testbed.gateway.ask('{ drift { totalCount edges { node { id } } } }');
    expect(data.drift).toEqual({ totalCount: 0, edges: [] });
    const log = await testbed.gateway.ask('{ auditLog(first: 3) { edges { node { kind } } } }');
    expect(log.data.auditLog.edges[0].node.kind).toMatch(/^FINDING_(IGNORED|ACCEPTED)$/);
  });
});
