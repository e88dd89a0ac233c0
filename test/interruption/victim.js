/**
 * A process that does one thing and may not live to see its end. Plain JavaScript on the compiled product: it starts several
 * hundred times. Says "ready", reads one order from standard input, and says how it went if it still can.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { countFromNow, stopCounting } from '../setup/interrupt-at.js';

/** @param {string} path */
const product = (path) => import(new URL(`../../dist/${path}`, import.meta.url).href);
const { openApp } = await product('app.js');
const { readConfig } = await product('config.js');
const { openLog } = await product('log.js');
const { developer, gateway } = await product('auth/caller.js');
const { listDueOperations } = await product('provisioning/operations/operation.js');
const { beginDueRemovals } = await product('provisioning/operations/removal.js');

const config = readConfig(process.env);
const app = await openApp(config, openLog(config.logLevel), { exclusive: false });
const context = app.commandsFor(developer);
process.stdout.write('"ready"\n');
const [line] = await once(createInterface({ input: process.stdin }), 'line');
/** @type {import('./victim-processes.js').Order} */
const order = JSON.parse(line);

countFromNow(order.interruption);
const outcome = await obey().then(
  () => ({ error: undefined }),
  (error) => ({ error: `${error.code ?? error.name}: ${error.message}` }),
);
const points = stopCounting();
if (order.goesOn) await goOn();
await new Promise((said) => process.stdout.write(`${JSON.stringify({ ...outcome, points })}\n`, said));
await app.close();
process.exit();

async function obey() {
  if (order.command === 'removeWhatIsDue') {
    const own = app.commandsFor(gateway);
    await beginDueRemovals(own);
    for (const { id } of await listDueOperations(own, config.takeOverAfterMs, 50)) await own.runOperation(id);
    return;
  }
  const file = order.command.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const folder = ['registerTenant', 'importTenant'].includes(order.command) ? 'profile' : 'provisioning';
  const command = (await product(`${folder}/commands/${file}.js`))[order.command];
  await command(context, order.input);
}

/** The worker of this process does what is left to do. */
async function goOn() {
  app.startWorker();
  const open = { status: { in: ['QUEUED', 'RUNNING', 'COMPENSATING'] }, tenant: { slug: order.slug } };
  // The connection that was cut may be the one that is asked by.
  const left = () => app.database.prisma.operation.count({ where: open }).catch(() => 1);
  while ((await left()) > 0) await delay(50);
}
