import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageVersion } from '../../src/package-folder.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { aTenant } from '../setup/stories.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway?.close());

const list = '{ gateways { id hostname version revision lag stalenessMs isReporting startedAt reportedAt } }';

test('gateways shows each process with what it has applied, and those that are silent', async () => {
  await aTenant().at(gateway);
  const silent = '00000000-0000-4000-8000-000000000001';
  const restored = '00000000-0000-4000-8000-000000000002';
  await gateway.psql(
    `INSERT INTO replicas (id, hostname, version, epoch, revision, staleness_ms, reported_at) VALUES
       ('${silent}', 'zz-silent', '0.0.9', registry_epoch(), (SELECT revision - 1 FROM registry_head), 5000, now() - interval '1 minute'),
       ('${restored}', 'zz-restored', NULL, NULL, 0, 5000, now())`,
  );
  const { data, errors } = await gateway.ask(list);
  expect(errors).toEqual([]);
  const [own, ...others] = data.gateways.toSorted(
    (one: { hostname: string }, other: { hostname: string }) =>
      Number(one.hostname.startsWith('zz')) - Number(other.hostname.startsWith('zz')),
  );
  const [head] = await gateway.psql<{ revision: string }>(
    `SELECT registry_epoch() || ':' || revision AS revision FROM registry_head`,
  );
  expect(own).toMatchObject({
    ...{ version: packageVersion, revision: head?.revision },
    ...{ lag: 0, stalenessMs: 5_000, isReporting: true },
  });
  expect(others).toEqual([
    expect.objectContaining({ id: restored, version: null, revision: null, lag: null, isReporting: true }),
    expect.objectContaining({ id: silent, version: '0.0.9', lag: 1, isReporting: false }),
  ]);
});
