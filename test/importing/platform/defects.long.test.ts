import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openGateway } from '../../setup/gateway.js';
import { seed } from '../../setup/seed.js';
import { sizeOf } from '../../setup/size.js';
import { type Defect, defectiveRows, defects, looseTables } from '../support/defects.js';
import { revisionOf, takeOver } from '../support/legacy-story.js';

const count = sizeOf({ usual: 2_000, full: 10_000 });
const sound: Defect = { what: 'a sound row', action: 'create', named: /^/ };

test(`${count} random rows with defects are each moved, or named with the row; none keeps another from being moved`, {
  timeout: 1_800_000,
}, async () => {
  await using gateway = await openGateway();
  const kinds = fc.sample(fc.constantFrom(sound, ...defects), { numRuns: count, seed });
  await gateway.psqlIn('operations', looseTables);
  const idOf = (index: number) => `case-${index}`;
  const statements = kinds.map((kind, index) => defectiveRows(kind, idOf(index)));
  for (let at = 0; at < count; at += 500)
    await gateway.psqlIn('operations', statements.slice(at, at + 500).join('\n'));
  const report = await takeOver(gateway);
  const moved = new Set(
    (await gateway.psql<{ slug: string }>('SELECT slug FROM tenants')).map(({ slug }) => slug),
  );
  const refused = new Map(
    report.tenants.flatMap(({ slug, action, why }) => (action === 'refuse' ? [[slug, why]] : [])),
  );
  // Ids that are no slugs give their tenants the slug of their name, and all tenants without a name that can be read are alike.
  const own = kinds.flatMap((kind, index) =>
    kind.what.startsWith('an id') || kind.what === 'a row without an id' ? [] : [{ kind, slug: idOf(index) }],
  );
  const wrong = own.filter(
    ({ kind, slug }) =>
      moved.has(slug) !== (kind.action === 'create') || refused.has(slug) !== (kind.action === 'refuse'),
  );
  expect(wrong.map(({ kind, slug }) => `${slug}: ${kind.what}: ${refused.get(slug)}`)).toEqual([]);
  const named = report.tenants.reduce((sum, { problems }) => sum + problems.length, report.problems.length);
  expect(named).toBeGreaterThan(count / 3);
  const revision = await revisionOf(gateway);
  const again = await takeOver(gateway);
  expect(again.tenants.filter(({ action }) => action === 'create' || action === 'update')).toEqual([]);
  expect(await revisionOf(gateway)).toBe(revision);
});
