import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ImportReport } from '../../../src/importing/databases/database-import.js';
import type { TenantEntry } from '../../../src/importing/databases/take-over.js';
import { openGateway, type TestGateway } from '../../setup/gateway.js';
import { defectiveRows, defects, looseTables } from '../support/defects.js';
import { revisionOf, takeOver } from '../support/legacy-story.js';
import { outcomesOf, problemsOf } from '../support/platform-story.js';

let gateway: TestGateway;
let report: ImportReport;
const idOf = (index: number) => `case-${index}`;
beforeAll(async () => {
  gateway = await openGateway();
  await gateway.psqlIn(
    'operations',
    looseTables + defects.map((defect, index) => defectiveRows(defect, idOf(index))).join('\n'),
  );
  report = await takeOver(gateway);
});
afterAll(() => gateway.close());

function entryOf(index: number): TenantEntry | undefined {
  const id = idOf(index);
  return report.tenants.find(({ slug, name }) => slug === id || name === `Name of ${id}`);
}

describe('a defect does not keep the tenant from being moved, or names it:', () => {
  test.each(defects.map((defect, index) => [defect.what, defect, index] as const))(
    '%s',
    async (_what, defect, index) => {
      const entry = entryOf(index);
      const conflicts = report.entries
        .filter(({ action }) => action === 'conflict')
        .flatMap(({ why }) => why ?? []);
      const messages = [
        ...(entry ? problemsOf(entry) : []),
        ...problemsOf(report),
        ...conflicts,
        entry?.why ?? '',
      ];
      const [row] = await gateway.psql<{ status: string; name: string }>(
        'SELECT status, name FROM tenants WHERE slug = $1',
        [entry?.slug ?? idOf(index)],
      );
      const states = [
        ...messages,
        ...(row?.status === 'suspended' ? ['suspended'] : []),
        ...(row?.name === `Case ${index}` ? ['named'] : []),
      ];
      expect(states).toEqual(expect.arrayContaining([expect.stringMatching(defect.named)]));
      expect(row !== undefined).toBe(defect.action === 'create');
      if (defect.action === 'create') expect(entry?.action).toBe('create');
    },
  );
});

test('a second import changes nothing and names the same rows', async () => {
  const revision = await revisionOf(gateway);
  const again = await takeOver(gateway);
  expect(await revisionOf(gateway)).toBe(revision);
  expect(outcomesOf(again)).toEqual(outcomesOf(report).map((one) => one.replace('create', 'unchanged')));
  expect(problemsOf(again)).toEqual(problemsOf(report));
});
