/** One SQL query per request and no GraphQL, as a service does without a registry. `prepared` names the statement. */
import { createServer } from 'node:http';
import pg from 'pg';
import { listenAndAnnounce } from './announce.js';
import { readBody, sendJson, tenantOf } from './read-body.js';
import { databaseUrl, routeSql } from './routes.js';

const name = process.argv[2] === 'prepared' ? 'route' : undefined;
const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });

listenAndAnnounce(
  createServer((request, response) =>
    readBody(request, async (body) => {
      const { rows } = await pool.query({ name, text: routeSql, values: [tenantOf(body)] });
      sendJson(response, JSON.stringify({ data: { tenantSchema: rows[0] ?? null } }));
    }),
  ),
);
