-- Hosted services withhold the functions that tell the system identifier and the WAL timeline. Without them the epoch still changes with
-- every restart, failover and restore, because the start time of the server, the oids and the incarnation are part of it. Where
-- the functions can be called, the epoch is the same as before.
CREATE OR REPLACE FUNCTION registry_epoch() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  system bigint;
  timeline text;
BEGIN
  BEGIN
    SELECT system_identifier INTO system FROM pg_control_system();
  EXCEPTION WHEN insufficient_privilege OR feature_not_supported OR undefined_function THEN
    system := NULL;
  END;
  -- On a standby it fails: gateways follow the primary only.
  BEGIN
    timeline := left(pg_walfile_name(pg_current_wal_lsn()), 8);
  EXCEPTION WHEN insufficient_privilege OR feature_not_supported OR undefined_function THEN
    timeline := NULL;
  END;
  IF timeline IS NULL AND pg_is_in_recovery() THEN
    RAISE EXCEPTION 'recovery is in progress' USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Connect to the primary server.';
  END IF;
  RETURN (SELECT left(encode(sha256(convert_to(concat_ws('/',
            system,
            timeline,
            -- A number, because the text form would depend on the session's time zone.
            extract(epoch FROM pg_postmaster_start_time()),
            (SELECT oid FROM pg_database WHERE datname = current_database()),
            'public.registry_head'::regclass::oid,
            head.incarnation), 'UTF8')), 'hex'), 16)
          FROM registry_head AS head);
END
$$;
