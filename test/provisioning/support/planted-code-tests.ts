import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { developer } from '../../../src/auth/caller.js';
import { renewCopies } from '../../../src/provisioning/copies/keep-copies.js';
import { queryOnce } from '../../database/support/temporary-databases.js';
import { uniqueName } from '../../setup/database.js';
import { aTenant } from '../../setup/stories.js';
import { urlTo } from './catalog.js';
import {
  type AttackedDatabase,
  acts,
  openAttackedDatabase,
  type ProvisionerKind,
  plantAsMember,
  plants,
  queuedAttack,
} from './planted-code.js';
import { subscribe, unsubscribe } from './provisioning-calls.js';

let server: string | undefined;

/** Tests of everything that a service can plant, in everything that the registry does. */
export function testPlantedCode(provisioner: ProvisionerKind): void {
  describe(`code that a service planted, with a ${provisioner} as provisioner,`, () => {
    // For bench/hostile-database.ts, which prints the counts.
    beforeEach(async ({ task }) => {
      server ??= (
        await queryOnce<{ v: string }>(urlTo('postgres'), `SELECT current_setting('server_version') AS v`)
      )[0]?.v;
      Object.assign(task.meta, { server, provisioner });
    });

    describe.each(Object.keys(plants))('as %s', (kind) => {
      test('never runs with the rights of another role', { timeout: 60_000 }, async ({ task }) => {
        await using attacked = await openAttackedDatabase(provisioner);
        const before = await attacked.readState();
        const attack = await attacked.plant(kind);
        const ran: string[] = [];
        for (const [name, act] of Object.entries(acts)) {
          // Whether the act is refused does not matter here, only that nothing of the attacker's runs.
          await act(attacked, attack).catch(() => undefined);
          if ((await attacked.countRuns()) > 0) ran.push(name);
        }
        Object.assign(task.meta, { acts: Object.keys(acts).length, ran });
        expect(ran).toEqual([]);
        expect(await attacked.readState()).toEqual(before);
        expect(before).toMatchObject({ isVictimUnchanged: true });
      });
    });

    describe('in a schema that the registry made', () => {
      let attacked: AttackedDatabase;
      beforeAll(async () => {
        attacked = await openAttackedDatabase(provisioner);
      });
      afterAll(() => attacked?.[Symbol.asyncDispose]());

      test('by a former member of the owner’s role: no migration runs there, and the refusal names the member', async () => {
        const { testbed, module, attacker } = attacked;
        const { id: tenantId, slug } = await aTenant().subscribedTo(module).at(testbed.gateway);
        await attacked.asAdministrator(`GRANT ${module}_tenants TO ${attacker}`);
        onTestFinished(
          async () => void (await attacked.asAdministrator(`REVOKE ${module}_tenants FROM ${attacker}`)),
        );
        await attacked.asAttacker(plantAsMember(`${module}_tenants`, `own_${slug}`));
        await testbed.write(`${module}/0003_more.sql`, `INSERT INTO contact VALUES (9, 'nine')`);
        onTestFinished(() => testbed.remove(`${module}/0003_more.sql`));
        await unsubscribe(testbed.gateway, { tenantId, module });
        const { operation } = await subscribe(testbed.gateway, { tenantId, module });
        expect(operation.status).toBe('FAILED');
        expect(operation.error).toContain(`role ${attacker} is a member of ${module}_tenants`);
        await renewCopies(testbed.gateway.app.commandsFor(developer));
        await expect(
          attacked.asAttacker(`CALL ensure_${module}_tenant_schema('${tenantId}', 'own_${slug}')`),
        ).rejects.toThrow(`role ${attacker} is a member of ${module}_tenants`);
        expect(await attacked.countRuns()).toBe(0);
      });

      test('as an event that the caller of ensure has queued in its own transaction', async () => {
        const { module } = attacked;
        await attacked.asAttacker(queuedAttack(module, uniqueName('own')));
        expect(await attacked.countRuns()).toBe(0);
      });

      test('as a guard of the service’s own: the registry does not use it', async () => {
        const { testbed, module } = attacked;
        await attacked.asAdministrator('ALTER SCHEMA tenant_guard RENAME TO guard_aside');
        await attacked.asAttacker('CREATE SCHEMA tenant_guard');
        onTestFinished(async () => {
          await attacked.asAdministrator(
            'DROP SCHEMA tenant_guard CASCADE; ALTER SCHEMA guard_aside RENAME TO tenant_guard',
          );
        });
        const { id: tenantId } = await aTenant().at(testbed.gateway);
        const { operation } = await subscribe(testbed.gateway, { tenantId, module });
        expect(operation.error).toContain('belongs to role');
        expect(
          await attacked.asAdministrator(
            `SELECT FROM pg_class WHERE relnamespace = 'tenant_guard'::regnamespace`,
          ),
        ).toEqual([]);
      });
    });
  });
}
