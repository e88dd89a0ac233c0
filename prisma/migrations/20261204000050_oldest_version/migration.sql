-- The oldest version that may work with this registry. A migration that takes away what an older version needs replaces the function.

CREATE FUNCTION registry_oldest_version(OUT migration text, OUT version text)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT '20261202000051_external_ids_in_sql', '0.1.0' $$;
REVOKE EXECUTE ON FUNCTION registry_oldest_version() FROM PUBLIC;

COMMENT ON FUNCTION registry_oldest_version() IS 'Oldest version that may work with this registry: the migration that a process must have among its own, and the first release with it. A process without that migration refuses to start.';
