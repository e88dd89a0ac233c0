import { type ClientBase, DatabaseError } from 'pg';
import type { Part } from './part.js';
import { digestSql, structureSql } from './structure-sql.js';

/** The schemas to read in one statement. Their parts are held in memory together, their digests are short. */
const portions = { parts: 40, digests: 500 };

export interface SchemasToRead {
  schemas: readonly string[];
  /** The module's access role, whose usual rights are no part of the structure. */
  access: string | undefined;
}

/** The digest of each schema that could be read; one that is changed at this moment is left out. */
export async function readDigests(
  client: ClientBase,
  { schemas, access }: SchemasToRead,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  await plan(client);
  await inPortions(schemas, portions.digests, async (portion) => {
    const { rows } = await client.query<{ schema: string; digest: string }>(digestSql, [
      portion,
      access ?? null,
    ]);
    for (const { schema, digest } of rows) found.set(schema, digest);
  });
  return found;
}

/** Hands the parts of each schema to `use`, a portion of the schemas at a time. A schema without parts has an empty list. */
export async function readParts(
  client: ClientBase,
  { schemas, access }: SchemasToRead,
  use: (schema: string, parts: readonly Part[]) => void,
): Promise<void> {
  await plan(client);
  await inPortions(schemas, portions.parts, async (portion) => {
    const { rows } = await client.query<Part & { schema: string }>(structureSql, [portion, access ?? null]);
    const bySchema = new Map<string, Part[]>(portion.map((schema) => [schema, []]));
    for (const { schema, ...part } of rows) bySchema.get(schema)?.push(part);
    for (const [schema, parts] of bySchema) use(schema, parts);
  });
}

/** Compiling so long a statement takes longer than running it. */
async function plan(client: ClientBase): Promise<void> {
  await client.query('SET jit = off');
}

async function inPortions(
  schemas: readonly string[],
  size: number,
  read: (portion: readonly string[]) => Promise<void>,
): Promise<void> {
  for (let start = 0; start < schemas.length; start += size) {
    const portion = schemas.slice(start, start + size);
    try {
      await read(portion);
    } catch (error) {
      if (!isUnderChange(error)) throw error;
      // One schema is being changed; the others can be read. That one is left to the next examination.
      if (portion.length > 1) await inPortions(portion, Math.ceil(portion.length / 4), read);
    }
  }
}

/** Whether an object was dropped while it was read, or was locked for too long. */
function isUnderChange(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false;
  if (error.code === '55P03') return true;
  // Functions of the catalog report a missing object as an internal error.
  return error.code === 'XX000' && /^(cache lookup failed|could not (open|find))/.test(error.message);
}
