import { readdirSync, readFileSync } from 'node:fs';
import pg from 'pg';
import { inject, test } from 'vitest';
import { openApp } from '../../src/app.js';
import { openLog } from '../../src/log.js';
import { createDatabase, createRegistryDatabase } from '../setup/database.js';
import { openGateway } from '../setup/gateway.js';

let pm = 0;
const pgCpu = () => {
  let s = 0;
  for (const n of readdirSync('/proc')) {
    if (!/^\d+$/.test(n)) continue;
    try {
      const t = readFileSync(`/proc/${n}/stat`, 'utf8');
      const f = t.slice(t.lastIndexOf(')') + 2).split(' ');
      if (Number(n) === pm || Number(f[1]) === pm)
        s += Number(f[11]) + Number(f[12]) + (Number(n) === pm ? Number(f[13]) + Number(f[14]) : 0);
    } catch {}
  }
  return s * 10;
};
const m = async (name: string, n: number, work: () => Promise<void>) => {
  await work();
  const c = process.cpuUsage(),
    p = pgCpu(),
    t = Date.now();
  for (let i = 0; i < n; i++) await work();
  const d = process.cpuUsage(c);
  console.log(
    `${name}: node ${((d.user + d.system) / 1000 / n).toFixed(1)} ms, pg ${((pgCpu() - p) / n).toFixed(1)} ms, wall ${((Date.now() - t) / n).toFixed(0)} ms`,
  );
};
test('cost', async () => {
  const c = new pg.Client({ connectionString: inject('postgresUrl') });
  await c.connect();
  const dir = (await c.query('show data_directory')).rows[0].data_directory;
  pm = Number(readFileSync(`${dir}/postmaster.pid`, 'utf8').split('\n')[0]);
  const made: any[] = [];
  await m('createDatabase', 10, async () => {
    made.push(await createDatabase());
  });
  await m('drop', 10, async () => {
    await made.pop()!.drop();
  });
  await m('createRegistryDatabase', 10, async () => {
    made.push(await createRegistryDatabase());
  });
  await m('drop registry', 10, async () => {
    await made.pop()!.drop();
  });
  await m('connect', 20, async () => {
    const k = new pg.Client({ connectionString: made[0]?.url ?? inject('postgresUrl') });
    await k.connect();
    await k.query('select 1');
    await k.end();
  });
  for (let i = 0; i < 11; i++) made.push(await createRegistryDatabase());
  await m('first connect to clone', 10, async () => {
    const k = new pg.Client({ connectionString: made.pop()!.url });
    await k.connect();
    await k.query('select 1');
    await k.end();
  });
  await m('openGateway+close', 10, async () => {
    const g = await openGateway();
    await g.close();
  });
  const g = await openGateway();
  await m('sharing gateway+close', 10, async () => {
    const s = await openGateway({ sharing: g });
    await s.close();
  });
  await m('openApp', 10, async () => {
    const s = await openApp(g.app.config, openLog('silent'), { exclusive: true });
    await s.close();
  });
  await m('registerTenant', 20, async () => {
    await g.ask(`mutation { registerTenant(input: {name: "A ${Math.random()}"}) { tenant { id } } }`);
  });
  await m('provision', 10, async () => {
    await g
      .ask(
        `mutation { provisionTenant(input: {name: "A ${Math.random()}", modules: ["finance"]}) { tenant { id } } }`,
      )
      .catch(() => 0);
  });
  await g.close();
}, 200000);
