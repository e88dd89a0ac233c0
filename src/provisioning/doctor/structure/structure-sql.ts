import { otherParts } from './other-parts-sql.js';
import { relationParts } from './relations-sql.js';

/*
 * Reads the catalogs alone, with built-in functions and a search_path without tenants' schemas: nothing found there runs, and every
 * name of a schema's object is qualified in the texts. $1: names of schemas; $2: the module's access role, or null.
 */
const partsSql = `
  WITH place AS (
    SELECT oid, nspname::text AS nspname, nspowner, nspacl FROM pg_namespace WHERE nspname = ANY ($1::text[])
  ), extended AS MATERIALIZED (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
  ), relation AS (
    SELECT nspname, class.* FROM pg_class AS class JOIN place ON place.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c')
      AND NOT EXISTS (SELECT FROM extended WHERE classid = 'pg_class'::regclass AND objid = class.oid)
  ), own_type AS (
    SELECT nspname, type.* FROM pg_type AS type JOIN place ON place.oid = typnamespace
    WHERE (typtype IN ('d', 'e', 'r') OR typrelid IN (SELECT oid FROM relation WHERE relkind = 'c'))
      AND NOT EXISTS (SELECT FROM extended WHERE classid = 'pg_type'::regclass AND objid = type.oid)
  ), part (schema, kind, parent, name, columns, facts) AS (
    ${[...relationParts, ...otherParts].join('\n    UNION ALL')}
  )`;

/** SQL: one row per part of the schemas. */
export const structureSql = `${partsSql}
  SELECT schema, kind, parent::text AS parent, name::text AS name, columns, jsonb_strip_nulls(facts) AS facts FROM part`;

/**
 * SQL: a digest of each schema's structure, equal for schemas that differ in nothing but their name. It may differ for equal structures, when
 * the name of a schema is also a part of another name; then the parts themselves are compared.
 */
export const digestSql = `${partsSql}
  SELECT schema, md5(string_agg(digest, '' ORDER BY digest)) AS digest FROM (
    SELECT schema, md5(replace(jsonb_build_array(kind, parent, name, jsonb_strip_nulls(facts))::text, quote_ident(schema) || '.', '~.')) AS digest
    FROM part
  ) AS digests GROUP BY schema`;
