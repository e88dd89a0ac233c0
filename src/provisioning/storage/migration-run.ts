import { type ClientBase, DatabaseError, escapeLiteral } from 'pg';
import { identifier } from '../../database/identifier.js';
import { pinnedPath } from '../../database/service-databases.js';
import { type Statement, sendBatch } from '../../database/statements/batch.js';
import { textsForNewStorage } from './files/new-storage.js';
import { withinSchema } from './files/outside-changes.js';
import { isVouchedFor } from './files/vouched-files.js';
import type { ModuleMigration } from './module-migrations.js';
import { requireAllowed } from './refused-files.js';

interface RunOptions {
  /** Whether the schema was made in this transaction, so that its tables are empty. Files that run alone have an equivalent there. */
  isNew?: boolean;
}

/** A file with the text that runs here. */
interface Run {
  name: string;
  sql: string;
}

/**
 * Runs migrations in a schema, inside the caller's transaction. What a file makes or changes outside the schema is an error, so that the
 * transaction undoes it. Throws TENANT_NOT_READY for a file that the rules refuse. Files whose text shows that they do not are sent together.
 */
export async function runMigrations(
  client: ClientBase,
  schema: string,
  migrations: readonly ModuleMigration[],
  { isNew = false }: RunOptions = {},
): Promise<void> {
  const lone = isNew ? undefined : migrations.find(({ runsAlone }) => runsAlone);
  await requireAllowed(migrations);
  if (lone) throw new Error(`${lone.name} cannot run inside a transaction of schema ${schema}`);
  const texts = await textsForNewStorage(migrations);
  let together: Run[] = [];
  for (const [at, { name, ranBefore }] of migrations.entries()) {
    const run = { name, sql: texts[at] ?? '' };
    if (ranBefore === true || (await isVouchedFor(run))) {
      together.push(run);
      continue;
    }
    await send(client, schema, together);
    together = [];
    await withinSchema(client, { schema, file: name }, () => send(client, schema, [run]));
  }
  await send(client, schema, together);
}

async function send(client: ClientBase, schema: string, runs: readonly Run[]): Promise<void> {
  if (runs.length === 0) return;
  const parts = runs.map(({ sql }) => statementsFor(schema, sql));
  const { answers, error } = await sendBatch(client, parts.flat());
  if (!error) return;
  const failed = runs[Math.floor(answers.length / (parts[0]?.length ?? 1))];
  // Any other error is that of the connection.
  if (!failed || !(error instanceof DatabaseError)) throw error;
  throw new Error(`Migration ${failed.name} failed: ${error.message}`, { cause: error });
}

/**
 * Runs one file with search_path set to the tenant's schema alone. Inside EXECUTE PostgreSQL refuses COMMIT and ROLLBACK, so a
 * file cannot end the transaction that makes the migration all or nothing.
 */
export function statementsFor(schema: string, sql: string): Statement[] {
  return [
    { text: `SET LOCAL search_path = ${identifier(schema)}` },
    { text: `DO ${escapeLiteral(`BEGIN EXECUTE ${escapeLiteral(sql)}; END`)}` },
    // Checks deferred constraints now: at COMMIT the error could not be attributed to a file.
    { text: 'SET CONSTRAINTS ALL IMMEDIATE' },
    { text: 'SET CONSTRAINTS ALL DEFERRED' },
    // Statements after this one must not find operators or functions of the schema.
    { text: `SET LOCAL search_path = ${pinnedPath}` },
  ];
}
