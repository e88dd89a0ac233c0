/**
 * A process that runs one order and may be killed in the middle. Plain JavaScript on the compiled product, because it is started
 * several hundred times. Prints "ready", reads one order from standard input, and prints the outcome if it is still alive.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { countFromNow, stopCounting, wasInterrupted } from '../setup/interrupt-at.js';

/** @param {string} path */
const product = (path) => import(new URL(`../../dist/${path}`, import.meta.url).href);
const { openApp } = await product('app.js');
const { readConfig } = await product('config.js');
const { openLog } = await product('log.js');
const { developer, gateway } = await product('auth/caller.js');
const { listDueOperations } = await product('provisioning/operations/operation.js');
const { beginDueRemovals } = await product('provisioning/operations/run/removal.js');

const config = readConfig(process.env);
const app = await openApp(config, openLog(config.logLevel), { exclusive: false });
const context = app.commandsFor(developer);
process.stdout.write('"ready"\n');
const [line] = await once(createInterface({ input: process.stdin }), 'line');
/** @type {import('./victim-processes.js').Order} */
const order = JSON.parse(line);

countFromNow(order.interruption);
const outcome = await runOrder().then(
  () => ({ error: undefined }),
  (error) => ({ error: `${error.code ?? error.name}: ${error.message}` }),
);
const points = stopCounting();
if (order.goesOn) await finishOperations();
const words = { ...outcome, points, isInterrupted: wasInterrupted() };
await new Promise((written) => process.stdout.write(`${JSON.stringify(words)}\n`, written));
await app.close();
process.exit();

async function runOrder() {
  if (order.command === 'removeWhatIsDue') {
    const own = app.commandsFor(gateway);
    await beginDueRemovals(own);
    for (const { id } of await listDueOperations(own, config.takeOverAfterMs, 50)) await own.runOperation(id);
    return;
  }
  if (order.command.endsWith('Tenants')) {
    // As long as it runs, whatever the machine does beside it.
    const patient = { ...context, stalenessMs: 60_000 };
    await (await product('provisioning/bulk/start-bulk.js'))[order.command](patient, order.input);
    return;
  }
  if (order.command === 'endSuspensions') {
    const { endSuspensions } = await product('provisioning/suspension-end.js');
    return await endSuspensions(context);
  }
  const file = order.command.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const folder = ['registerTenant', 'importTenant'].includes(order.command) ? 'profile' : 'provisioning';
  const command = (await product(`${folder}/commands/${file}.js`))[order.command];
  await command(context, order.input);
}

/** Starts a worker in this process and waits until the tenant has no operation left. */
async function finishOperations() {
  app.startWorker();
  const open = { status: { in: ['QUEUED', 'RUNNING', 'COMPENSATING'] }, tenant: { slug: order.slug } };
  // The query fails when it uses the connection that was cut.
  const left = () => app.database.prisma.operation.count({ where: open }).catch(() => 1);
  while ((await left()) > 0) await delay(50);
}
