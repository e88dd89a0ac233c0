/** node:http alone: parses the body and sends an answer that was serialised at the start. */
import { createServer } from 'node:http';
import { listenAndAnnounce } from './announce.js';
import { readBody, sendJson, tenantOf } from './read-body.js';
import { loadRoutes } from './routes.js';

/** @type {Map<string, string>} */
const answers = new Map();
for (const [id, route] of await loadRoutes())
  answers.set(id, JSON.stringify({ data: { tenantSchema: route } }));

listenAndAnnounce(
  createServer((request, response) =>
    readBody(request, (body) => sendJson(response, answers.get(tenantOf(body)) ?? '{"data":null}')),
  ),
);
