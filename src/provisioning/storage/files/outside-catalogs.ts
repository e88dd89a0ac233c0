/** A catalog that a file could change outside the tenant's schema. Text in SQL; `entry` is the alias of its rows. */
interface WatchedCatalog {
  /** Identifies a row besides its name. */
  key: string;
  /** SQL of a text that names the object. */
  title: string;
  /** SQL: whether the row is outside. Default: always, for what is not in a schema. */
  isOutside?: string;
}

const schemaOf = (column: string) => `${column}::regnamespace::text`;
const inOther = (column: string) =>
  `${column} <> $schema::oid AND ${column} <> 'pg_toast'::regnamespace AND ${schemaOf(column)} NOT LIKE 'pg\\_toast\\_temp\\_%'`;

function inSchema(noun: string, prefix: string): WatchedCatalog {
  const namespace = `entry.${prefix}namespace`;
  return {
    key: 'entry.oid::text',
    title: `'${noun} ' || ${schemaOf(namespace)} || '.' || entry.${prefix}name`,
    isOutside: inOther(namespace),
  };
}

function beside(noun: string, prefix: string): WatchedCatalog {
  return { key: 'entry.oid::text', title: `'${noun} ' || entry.${prefix}name` };
}

/**
 * Rows of what belongs to a relation are left out: every change of them takes a lock of the relation, which stays until the end of the
 * transaction and is looked for instead. Such rows are most of a database's catalogs.
 */
export const watchedCatalogs: Readonly<Record<string, WatchedCatalog>> = {
  pg_class: {
    ...inSchema('relation', 'rel'),
    title: `CASE entry.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence' WHEN 'i' THEN 'index'
      WHEN 'm' THEN 'materialized view' WHEN 'c' THEN 'type' ELSE 'relation' END
      || ' ' || ${schemaOf('entry.relnamespace')} || '.' || entry.relname`,
  },
  pg_attribute: {
    key: `entry.attrelid || '/' || entry.attnum`,
    title: `'column ' || entry.attrelid::regclass::text || '.' || entry.attname`,
    // Grants on columns take no lock.
    isOutside: `entry.attacl IS NOT NULL AND entry.attrelid NOT IN (SELECT oid FROM pg_class WHERE relnamespace = $schema::oid)`,
  },
  pg_proc: inSchema('routine', 'pro'),
  pg_type: inSchema('type', 'typ'),
  pg_operator: inSchema('operator', 'opr'),
  pg_opclass: inSchema('operator class', 'opc'),
  pg_opfamily: inSchema('operator family', 'opf'),
  pg_collation: inSchema('collation', 'coll'),
  pg_conversion: inSchema('conversion', 'con'),
  pg_constraint: inSchema('constraint', 'con'),
  pg_statistic_ext: inSchema('statistics', 'stx'),
  pg_ts_config: inSchema('text search configuration', 'cfg'),
  pg_ts_dict: inSchema('text search dictionary', 'dict'),
  pg_enum: {
    key: 'entry.oid::text',
    title: `'value ' || entry.enumlabel || ' of type ' || entry.enumtypid::regtype::text`,
    isOutside: 'entry.enumtypid NOT IN (SELECT oid FROM pg_type WHERE typnamespace = $schema::oid)',
  },
  pg_description: {
    key: `entry.classoid || '/' || entry.objoid`,
    title: `'comment on ' || pg_describe_object(entry.classoid, entry.objoid, 0)`,
    isOutside: `(entry.classoid = 'pg_proc'::regclass AND entry.objoid NOT IN (SELECT oid FROM pg_proc WHERE pronamespace = $schema::oid)
      OR entry.classoid = 'pg_type'::regclass AND entry.objoid NOT IN (SELECT oid FROM pg_type WHERE typnamespace = $schema::oid)
      OR entry.classoid = ANY ('{pg_namespace,pg_extension,pg_language}'::regclass[]))`,
  },
  // A session gets the schema of its temporary objects with the first of them, which is found by itself.
  pg_namespace: { ...beside('schema', 'nsp'), isOutside: `entry.nspname !~ '^pg_(toast_)?temp_'` },
  pg_extension: beside('extension', 'ext'),
  pg_language: beside('language', 'lan'),
  pg_foreign_data_wrapper: beside('foreign-data wrapper', 'fdw'),
  pg_foreign_server: beside('server', 'srv'),
  pg_event_trigger: beside('event trigger', 'evt'),
  pg_publication: beside('publication', 'pub'),
  pg_am: beside('access method', 'am'),
  pg_database: beside('database', 'dat'),
  pg_tablespace: beside('tablespace', 'spc'),
  pg_cast: {
    key: 'entry.oid::text',
    title: `'cast from ' || format_type(entry.castsource, NULL) || ' to ' || format_type(entry.casttarget, NULL)`,
  },
  pg_default_acl: {
    key: 'entry.oid::text',
    title: `'default privileges of role ' || pg_get_userbyid(entry.defaclrole)`,
  },
  pg_largeobject_metadata: { key: 'entry.oid::text', title: `'large object ' || entry.oid` },
  pg_auth_members: {
    key: `entry.roleid || '/' || entry.member || '/' || entry.grantor`,
    title: `'membership of role ' || pg_get_userbyid(entry.member) || ' in ' || pg_get_userbyid(entry.roleid)`,
  },
  pg_db_role_setting: {
    key: `entry.setdatabase || '/' || entry.setrole`,
    title: `'settings of a role or database'`,
  },
};

/** Catalogs whose rows only a superuser reads, with what a change of them is. */
export const unreadableCatalogs: Readonly<Record<string, string>> = {
  pg_authid: 'a role',
  pg_user_mapping: 'a user mapping',
  pg_subscription: 'a subscription',
  pg_largeobject: 'a large object',
};

/** SQL: rows (catalog, key, place, title, xmin, xmax) of these catalogs that are outside the schema and fulfil the condition. */
export function watchedRowsSql(catalogs: readonly string[], schemaOid: string, condition: string): string {
  const parts = Object.entries(watchedCatalogs)
    .filter(([name]) => catalogs.includes(name))
    .map(([name, { key, title, isOutside = 'true' }]) => {
      const outside = isOutside.replaceAll('$schema', schemaOid);
      return `SELECT '${name}'::text AS catalog, ${key} AS key, entry.ctid::text AS place, ${title} AS title, entry.xmin AS made, entry.xmax AS ended
        FROM pg_catalog.${name} AS entry WHERE ${condition} AND (${outside})`;
    });
  return parts.join('\nUNION ALL\n');
}
