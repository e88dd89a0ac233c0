/** Load by autocannon, for machines without wrk: the same folder, the same line of results as compare/load.lua. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import autocannon from 'autocannon';

const [url = '', folder = '', connections, seconds] = process.argv.slice(2);
/** @param {string} name */
const lines = (name) => readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean);
const known = new Set(lines('answers'));
const headers = Object.fromEntries(lines('headers').map((line) => line.split(': ')));

let [wrong, requests] = [0, 0];
/** @param {number} status @param {string} body */
const onResponse = (status, body) => {
  requests++;
  if (status !== 200 || !known.has(body.trimEnd())) wrong++;
};
const all = lines('requests').map((body) => ({ method: 'POST', headers, body, onResponse }));
let clients = 0;
const result = await autocannon({
  url,
  connections: Number(connections),
  duration: Number(seconds),
  requests: [{ ...all[0] }],
  // Each connection has a share of its own: it writes all its requests down first, while the time runs.
  setupClient: (client) => {
    const at = clients++;
    const share = all.filter((_, index) => index % Number(connections) === at % all.length);
    client.setRequests(share.map((request) => ({ ...request })));
  },
});
const { p50, p99 } = result.latency;
process.stdout.write(
  `result ${JSON.stringify({ requests, seconds: result.duration, p50Ms: p50, p99Ms: p99, wrong, errors: result.errors })}\n`,
);
