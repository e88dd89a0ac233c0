-- Triggers and procedures also run in sessions of others, such as psql, whose settings are not ours.

-- With standard_conforming_strings = off, \s in the body means the letter s: addresses would stay readable in the change log, and
-- secrets would be stored.
ALTER FUNCTION registry_pseudonymise(uuid, jsonb) SET standard_conforming_strings = on;
ALTER FUNCTION registry_find_secret(text, text) SET standard_conforming_strings = on;

-- Without schema public in the search_path they would not find the types and functions that they use.
ALTER FUNCTION registry_guard_log() SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION registry_head_begin() SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION tenants_maintain() SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION tenants_config_maintain() SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION module_subscriptions_maintain() SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION module_subscriptions_keep_removal() SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION storage_names_keep() SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION registry_touch() SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION registry_refuse() SET search_path = pg_catalog, public, pg_temp;
