import type { RegistryDatabase } from '../../../database/registry-database.js';
import type { FindingCode, Observation } from '../finding.js';

type Database = Pick<RegistryDatabase, 'query'>;

/** How many findings one statement writes. */
const portion = 500;

/** Days for which a decision outlives the difference, so that one which comes back for a while is not reported again. */
const keptDays = 30;

interface RecordingScope {
  modules: readonly string[] | null;
  tenantId: string | null;
  /** The registry's time before the examination. */
  since: Date;
  /** What was found at all: a finding that was not confirmed is not gone. */
  seen: readonly Observation[];
  skipped: ReadonlySet<string>;
}

/** Findings after which the others of their module are not known: what was found there before may still be so. */
const unexaminedCodes: readonly FindingCode[] = [
  ...([
    'DATABASE_UNREACHABLE',
    'MODULE_NOT_READY',
    'MODULE_NOT_CONFIGURED',
    'STRUCTURE_NOT_COMPARED',
  ] as const),
];

export async function readTime(database: Database): Promise<Date> {
  const { rows } = await database.query('SELECT clock_timestamp() AS now', []);
  return rows[0]?.now;
}

/**
 * Writes what an examination has found, and forgets open findings in its scope that it has not found again. A decision stands for the
 * difference that it was made for: another one of the same object is open.
 */
export async function recordFindings(
  database: Database,
  observations: readonly Observation[],
  { modules, tenantId, since, seen, skipped }: RecordingScope,
): Promise<void> {
  for (let start = 0; start < observations.length; start += portion)
    await database.query(recordSql, [JSON.stringify(observations.slice(start, start + portion))]);
  const unexamined = seen.filter(({ code }) => unexaminedCodes.includes(code)).map(({ module }) => module);
  const unsure = seen.map(({ id }) => id);
  await database.query(forgetSql, [since, modules, tenantId, unexamined, unsure, [...skipped]]);
}

const isOther = `(finding.content <> excluded.content OR finding.status = 'repaired')`;

const recordSql = `
  INSERT INTO drift_findings AS finding (id, code, severity, tenant_id, tenant_slug, module, database_name, schema_name, operation_id,
    object_kind, object_name, expected, found, problem, remedy, content)
  SELECT id, code, severity, "tenantId", "tenantSlug", module, database, schema, "operationId",
    "objectKind", "objectName", expected, found, problem, remedy, content
  FROM jsonb_to_recordset($1::jsonb) AS seen (id uuid, code text, severity text, "tenantId" uuid, "tenantSlug" text, module text,
    database text, schema text, "operationId" uuid, "objectKind" text, "objectName" text, expected text, found text, problem text,
    remedy text, content text)
  ORDER BY id
  ON CONFLICT (id) DO UPDATE SET
    severity = excluded.severity, tenant_slug = excluded.tenant_slug, expected = excluded.expected, found = excluded.found,
    problem = excluded.problem, remedy = excluded.remedy, content = excluded.content, last_seen_at = clock_timestamp(),
    first_seen_at = CASE WHEN ${isOther} THEN clock_timestamp() ELSE finding.first_seen_at END,
    status = CASE WHEN ${isOther} THEN 'open' ELSE finding.status END,
    resolved_at = CASE WHEN NOT ${isOther} THEN finding.resolved_at END,
    resolved_by = CASE WHEN NOT ${isOther} THEN finding.resolved_by END`;

const forgetSql = `
  DELETE FROM drift_findings
  WHERE last_seen_at < $1::timestamptz
    AND (status = 'open' OR last_seen_at < now() - interval '${keptDays} days')
    AND ($2::text[] IS NULL OR module = ANY ($2::text[])) AND ($3::uuid IS NULL OR tenant_id = $3::uuid)
    AND NOT coalesce(module = ANY ($4::text[]), false) AND id <> ALL ($5::uuid[])
    AND NOT coalesce(module || '/' || tenant_id = ANY ($6::text[]), false)`;

/** The observations without those that somebody has ignored or accepted as they are. */
export async function leaveOutDecided<T extends Pick<Observation, 'id' | 'content'>>(
  database: Database,
  observations: readonly T[],
): Promise<T[]> {
  if (observations.length === 0) return [];
  const { rows } = await database.query(
    `SELECT id, content FROM drift_findings WHERE status IN ('ignored', 'accepted') AND id = ANY ($1::uuid[])`,
    [observations.map(({ id }) => id)],
  );
  const decided = new Map<string, string>(rows.map(({ id, content }) => [id, content]));
  return observations.filter(({ id, content }) => decided.get(id) !== content);
}
