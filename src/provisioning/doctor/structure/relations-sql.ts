/*
 * SQL of the parts of a structure that belong to relations. Each is a SELECT of schema, kind, parent, name, columns and facts over the
 * named queries of structure-sql.ts. A fact that is null is left out.
 */

/**
 * Tables, with everything that is no part of them with a name of its own. As the first SELECT it decides the types: with relname as it is, of type
 * name, the names of all parts would be cut off after 63 bytes, those of routines with their arguments as well.
 */
const tablesSql = `
  SELECT nspname, 'table', NULL::text, relname::text, NULL::text[], jsonb_build_object(
    'kind', CASE relkind WHEN 'p' THEN 'partitioned' WHEN 'f' THEN 'foreign' END,
    'persistence', nullif(relpersistence::text, 'p'), 'options', array_to_string(ARRAY(SELECT unnest(reloptions) ORDER BY 1), ', '),
    'accessMethod', (SELECT amname FROM pg_am WHERE oid = relam AND amname <> 'heap'),
    'tablespace', (SELECT spcname FROM pg_tablespace WHERE oid = reltablespace),
    'rowSecurity', CASE WHEN relrowsecurity THEN 'enabled' END,
    'forcedRowSecurity', CASE WHEN relforcerowsecurity THEN 'forced' END,
    'replicaIdentity', CASE relreplident WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'full' WHEN 'i' THEN
      (SELECT 'index ' || quote_ident(class.relname) FROM pg_index JOIN pg_class AS class ON class.oid = indexrelid
       WHERE indrelid = relation.oid AND indisreplident) END,
    'partitionKey', CASE relkind WHEN 'p' THEN pg_get_partkeydef(oid) END,
    'bound', CASE WHEN relispartition THEN pg_get_expr(relpartbound, oid) END,
    'inherits', (SELECT string_agg(inhparent::regclass::text, ', ' ORDER BY inhseqno) FROM pg_inherits WHERE inhrelid = relation.oid),
    'ofType', CASE WHEN reloftype <> 0 THEN format_type(reloftype, NULL) END,
    'server', (SELECT srvname FROM pg_foreign_table JOIN pg_foreign_server AS server ON server.oid = ftserver WHERE ftrelid = relation.oid))
  FROM relation WHERE relkind IN ('r', 'p', 'f')`;

// Columns that a table has from its parent alone are the parent's. Some releases of PostgreSQL 15 keep a number of their own in the
// options of each column (pg_attver), which differs from table to table.
const columnsSql = `
  SELECT nspname, CASE relkind WHEN 'c' THEN 'attribute' ELSE 'column' END, relname, attname, NULL, jsonb_build_object(
    'type', format_type(atttypid, atttypmod),
    'collation', (SELECT quote_ident(namespace.nspname) || '.' || quote_ident(collname) FROM pg_collation AS coll
      JOIN pg_namespace AS namespace ON namespace.oid = collnamespace WHERE coll.oid = attcollation AND attcollation <> typcollation),
    'notNull', CASE WHEN attnotnull THEN 'NOT NULL' END,
    'default', CASE attgenerated WHEN '' THEN pg_get_expr(adbin, adrelid) END,
    'generated', CASE attgenerated WHEN 's' THEN 'STORED ' || pg_get_expr(adbin, adrelid) WHEN 'v' THEN 'VIRTUAL ' || pg_get_expr(adbin, adrelid) END,
    'identity', CASE attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END,
    'storage', CASE WHEN attstorage <> typstorage THEN
      CASE attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END,
    'compression', CASE attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
    'statistics', nullif(attstattarget, -1)::text, 'options', nullif(array_to_string(ARRAY(
      SELECT option FROM unnest(attoptions) AS option WHERE option NOT LIKE 'pg\\_%' ORDER BY 1), ', '), ''))
  FROM relation JOIN pg_attribute ON attrelid = relation.oid JOIN pg_type AS type ON type.oid = atttypid
  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
  WHERE relkind IN ('r', 'p', 'f', 'c') AND attnum > 0 AND NOT attisdropped AND (attislocal OR attinhcount = 0)`;

// NOT NULL is a fact of its column; since PostgreSQL 18 it is a constraint (contype n) as well.
const constraintsSql = `
  SELECT nspname, 'constraint', relname, conname,
    ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey)),
    jsonb_build_object('definition', pg_get_constraintdef(con.oid), 'index',
      CASE WHEN EXISTS (SELECT FROM pg_index WHERE indexrelid = conindid AND NOT indisvalid) AND contype <> 'f' THEN 'invalid' END)
  FROM pg_constraint AS con JOIN relation ON relation.oid = conrelid
  WHERE contype IN ('c', 'p', 'u', 'f', 'x') AND conparentid = 0 AND (conislocal OR coninhcount = 0)`;

// Indexes of constraints, and those that a partition has from its parent, are left out.
const indexesSql = `
  SELECT place.nspname, 'index', holder.relname, class.relname,
    ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = indrelid AND attnum = ANY (indkey)),
    jsonb_build_object('definition', pg_get_indexdef(indexrelid),
      'validity', CASE WHEN NOT indisvalid OR NOT indisready THEN 'invalid' END, 'clustered', CASE WHEN indisclustered THEN 'clustered' END)
  FROM pg_index JOIN pg_class AS class ON class.oid = indexrelid JOIN place ON place.oid = class.relnamespace
  JOIN relation AS holder ON holder.oid = indrelid
  WHERE NOT class.relispartition
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid AND contype IN ('p', 'u', 'x'))`;

const sequencesSql = `
  SELECT nspname, 'sequence', owner.relname, relation.relname, CASE WHEN owner.attname IS NOT NULL THEN ARRAY[owner.attname::text] END, jsonb_build_object(
    'type', format_type(seqtypid, NULL), 'start', seqstart::text, 'increment', seqincrement::text, 'min', seqmin::text,
    'max', seqmax::text, 'cache', seqcache::text, 'cycle', CASE WHEN seqcycle THEN 'CYCLE' END,
    'persistence', CASE WHEN owner.name IS NULL THEN nullif(relpersistence::text, 'p') END, 'ownedBy', owner.name)
  FROM relation JOIN pg_sequence ON seqrelid = relation.oid
  LEFT JOIN LATERAL (
    SELECT class.relname, attname, quote_ident(class.relname) || '.' || quote_ident(attname) AS name
    FROM pg_depend JOIN pg_class AS class ON class.oid = refobjid JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
    WHERE classid = 'pg_class'::regclass AND objid = relation.oid AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')
  ) AS owner ON true`;

const viewsSql = `
  SELECT nspname, CASE relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END, NULL, relname, NULL, jsonb_build_object(
    'definition', pg_get_viewdef(oid), 'options', array_to_string(ARRAY(SELECT unnest(reloptions) ORDER BY 1), ', '))
  FROM relation WHERE relkind IN ('v', 'm')`;

// Triggers of constraints, and those that a partition has from its parent, are left out.
const triggersSql = `
  SELECT nspname, 'trigger', relname, tgname, NULL, jsonb_build_object(
    'definition', pg_get_triggerdef(pg_trigger.oid),
    'enabled', CASE tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'in replicas' WHEN 'A' THEN 'always' END)
  FROM pg_trigger JOIN relation ON relation.oid = tgrelid WHERE NOT tgisinternal AND tgparentid = 0`;

const rulesSql = `
  SELECT nspname, 'rule', relname, rulename, NULL, jsonb_build_object(
    'definition', pg_get_ruledef(pg_rewrite.oid),
    'enabled', CASE ev_enabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'in replicas' WHEN 'A' THEN 'always' END)
  FROM pg_rewrite JOIN relation ON relation.oid = ev_class WHERE rulename <> '_RETURN'`;

const policiesSql = `
  SELECT nspname, 'policy', relname, polname, NULL, jsonb_build_object(
    'mode', CASE WHEN polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
    'command', CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
    'roles', (SELECT string_agg(CASE role WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(role)) END, ', ' ORDER BY 1) FROM unnest(polroles) AS role),
    'using', pg_get_expr(polqual, polrelid), 'check', pg_get_expr(polwithcheck, polrelid))
  FROM pg_policy JOIN relation ON relation.oid = polrelid`;

const statisticsSql = `
  SELECT place.nspname, 'statistics', relname, stxname, NULL, jsonb_build_object(
    'definition', pg_get_statisticsobjdef(stat.oid), 'target', nullif(stxstattarget, -1)::text)
  FROM pg_statistic_ext AS stat JOIN place ON place.oid = stxnamespace JOIN relation ON relation.oid = stxrelid`;

export const relationParts = [
  ...[tablesSql, columnsSql, constraintsSql, indexesSql, sequencesSql, viewsSql],
  ...[triggersSql, rulesSql, policiesSql, statisticsSql],
];
