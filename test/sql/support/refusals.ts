import type { ClientBase } from 'pg';

/**
 * How the database refuses a statement for each of these texts: the name of the constraint that is violated, else the
 * message; null where it takes the text. Nothing that the statement does is kept.
 */
export async function refusalsOf(
  client: ClientBase,
  statement: string,
  texts: readonly string[],
): Promise<(string | null)[]> {
  await client.query(`
    CREATE OR REPLACE FUNCTION pg_temp.refusal_of(statement text, given text) RETURNS text LANGUAGE plpgsql AS $$
    DECLARE
      violated text;
    BEGIN
      EXECUTE statement USING given;
      SET CONSTRAINTS ALL IMMEDIATE;
      RAISE EXCEPTION USING ERRCODE = 'ZZ000';
    EXCEPTION
      WHEN SQLSTATE 'ZZ000' THEN
        RETURN NULL;
      WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
        RETURN coalesce(nullif(violated, ''), SQLERRM);
    END
    $$`);
  const { rows } = await client.query<{ refusal: string | null }>(
    `SELECT pg_temp.refusal_of($1, given) AS refusal FROM unnest($2::text[]) WITH ORDINALITY AS listed (given, place)
     ORDER BY place`,
    [statement, texts],
  );
  return rows.map(({ refusal }) => refusal);
}

/** Whether PostgreSQL can be given the text at all: it has no NUL, and its client sends well-formed UTF-8 alone. */
export function canReachPostgres(text: string): boolean {
  return !text.includes('\0') && !/\p{Cs}/u.test(text);
}
