/*
 * SQL of the parts of a structure that belong to no relation, and of the rights on all parts. Each is a SELECT as in relations-sql.ts.
 */

const functionName = `quote_ident(proname) || '(' || pg_get_function_identity_arguments(proc.oid) || ')'`;

// pg_get_functiondef refuses aggregates.
const routinesSql = `
  SELECT nspname, CASE prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END, NULL, ${functionName}, NULL, jsonb_build_object(
    'definition', CASE WHEN prokind <> 'a' THEN pg_get_functiondef(proc.oid) ELSE (
      SELECT concat_ws(', ', aggtransfn::regproc, format_type(aggtranstype, NULL), nullif(aggfinalfn::oid, 0)::regproc, agginitval,
                       nullif(aggcombinefn::oid, 0)::regproc, aggkind, proparallel) FROM pg_aggregate WHERE aggfnoid = proc.oid) END)
  FROM pg_proc AS proc JOIN place ON place.oid = pronamespace
  WHERE NOT EXISTS (SELECT FROM extended WHERE classid = 'pg_proc'::regclass AND objid = proc.oid)`;

const typesSql = `
  SELECT nspname, 'type', NULL, typname, NULL, jsonb_build_object(
    'kind', CASE typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range' ELSE 'composite' END,
    'labels', (SELECT jsonb_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = type.oid),
    'base', CASE typtype WHEN 'd' THEN format_type(typbasetype, typtypmod) WHEN 'r' THEN
      (SELECT format_type(rngsubtype, NULL) FROM pg_range WHERE rngtypid = type.oid) END,
    'notNull', CASE WHEN typtype = 'd' AND typnotnull THEN 'NOT NULL' END, 'default', typdefault,
    'collation', (SELECT quote_ident(namespace.nspname) || '.' || quote_ident(collname) FROM pg_collation AS coll
      JOIN pg_namespace AS namespace ON namespace.oid = collnamespace WHERE typtype = 'd' AND coll.oid = typcollation AND collname <> 'default'))
  FROM own_type AS type`;

const domainConstraintsSql = `
  SELECT nspname, 'domain constraint', typname, conname, NULL, jsonb_build_object('definition', pg_get_constraintdef(con.oid))
  FROM pg_constraint AS con JOIN own_type AS type ON type.oid = contypid WHERE contype = 'c'`;

/** Kinds that modules hardly use: whether each exists is compared, and not how it is defined. */
const rareKinds = [
  ['operator', 'pg_operator', 'oprnamespace'],
  ['operator class', 'pg_opclass', 'opcnamespace'],
  ['operator family', 'pg_opfamily', 'opfnamespace'],
  ['collation', 'pg_collation', 'collnamespace'],
  ['conversion', 'pg_conversion', 'connamespace'],
  ['text search configuration', 'pg_ts_config', 'cfgnamespace'],
  ['text search dictionary', 'pg_ts_dict', 'dictnamespace'],
  ['text search parser', 'pg_ts_parser', 'prsnamespace'],
  ['text search template', 'pg_ts_template', 'tmplnamespace'],
] as const;

const rareSql = rareKinds.map(
  ([kind, catalog, namespace]) => `
  SELECT nspname, '${kind}', NULL, (pg_identify_object('${catalog}'::regclass, rare.oid, 0)).identity, NULL, '{}'::jsonb
  FROM ${catalog} AS rare JOIN place ON place.oid = ${namespace}
  WHERE NOT EXISTS (SELECT FROM extended WHERE classid = '${catalog}'::regclass AND objid = rare.oid)`,
);

const extensionsSql = `
  SELECT nspname, 'extension', NULL, extname, NULL, '{}'::jsonb FROM pg_extension JOIN place ON place.oid = extnamespace
  WHERE extname <> 'plpgsql'`;

/*
 * Rights of roles other than the owner. Left out, because doctor has findings of their own: rights that the access role needs, CREATE on
 * the schema, and TRIGGER.
 */
const grantsSql = `
  SELECT schema, 'grants', parent, name, columns, jsonb_object_agg(grantee, rights) FROM (
    SELECT schema, parent, name, columns, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END AS grantee,
           string_agg(privilege_type || CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END, ', ' ORDER BY privilege_type) AS rights
    FROM (
      SELECT nspname AS schema, NULL::text AS parent, 'schema'::text AS name, NULL::text[] AS columns, '' AS kind, nspowner AS owner, nspacl AS acl FROM place
      UNION ALL
      SELECT nspname, relname, relname, NULL, relkind::text, relowner, relacl FROM relation WHERE relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
      UNION ALL
      SELECT nspname, relname, relname || '.' || attname, ARRAY[attname::text], 'c', relowner, attacl FROM relation JOIN pg_attribute ON attrelid = relation.oid
      WHERE relkind IN ('r', 'p', 'f', 'v', 'm') AND NOT attisdropped AND attacl IS NOT NULL
      UNION ALL
      SELECT nspname, ${functionName}, ${functionName}, NULL, CASE prorettype WHEN 'trigger'::regtype THEN 't' ELSE 'x' END, proowner,
             coalesce(proacl, acldefault('f', proowner))
      FROM pg_proc AS proc JOIN place ON place.oid = pronamespace
      WHERE NOT EXISTS (SELECT FROM extended WHERE classid = 'pg_proc'::regclass AND objid = proc.oid)
      UNION ALL
      SELECT nspname, typname, typname, NULL, 'T', typowner, coalesce(typacl, acldefault('T', typowner)) FROM own_type
    ) AS object, aclexplode(acl)
    WHERE grantee <> owner
      AND NOT (kind = '' AND privilege_type = 'CREATE')
      AND NOT (kind IN ('r', 'p', 'f', 'v', 'm', 'S') AND privilege_type = 'TRIGGER')
      AND NOT (kind = '' AND grantee = 0 AND schema = 'public')
      AND NOT (NOT is_grantable AND grantee = (SELECT oid FROM pg_roles WHERE rolname = $2::name)
        AND (kind IN ('r', 'p', 'v') AND privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
             OR kind IN ('', 'S') AND privilege_type = 'USAGE' OR kind = 'x'))
    GROUP BY 1, 2, 3, 4, 5
  ) AS rights GROUP BY 1, 3, 4, 5`;

const defaultGrantsSql = `
  SELECT nspname, 'default grants', NULL, name, NULL, jsonb_object_agg(grantee, rights) FROM (
    SELECT nspname, format('of role %I for %s', pg_get_userbyid(defaclrole), CASE defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES'
             WHEN 'f' THEN 'ROUTINES' WHEN 'T' THEN 'TYPES' ELSE defaclobjtype::text END) AS name,
           CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END AS grantee,
           string_agg(privilege_type || CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END, ', ' ORDER BY privilege_type) AS rights
    FROM pg_default_acl JOIN place ON place.oid = defaclnamespace, aclexplode(defaclacl) WHERE grantee <> defaclrole GROUP BY 1, 2, 3
  ) AS rights GROUP BY 1, 4`;

export const otherParts = [
  ...[routinesSql, typesSql, domainConstraintsSql, ...rareSql, extensionsSql],
  ...[grantsSql, defaultGrantsSql],
];
