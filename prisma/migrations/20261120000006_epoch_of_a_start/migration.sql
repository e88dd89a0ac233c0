-- A data folder put back from a copy (a file system's snapshot, say) has the same system identifier, timeline, oids and
-- incarnation as the history that was lost, and issues the same revisions anew for other changes. What cannot be the same
-- is when the server was started. So every start begins an epoch: after a plain restart gateways and clients read anew.
CREATE OR REPLACE FUNCTION registry_epoch() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT left(encode(sha256(convert_to(concat_ws('/',
           system.system_identifier,
           left(pg_walfile_name(pg_current_wal_lsn()), 8),
           -- As a number: a text would depend on the session's time zone.
           extract(epoch FROM pg_postmaster_start_time()),
           (SELECT oid FROM pg_database WHERE datname = current_database()),
           'public.registry_head'::regclass::oid,
           head.incarnation), 'UTF8')), 'hex'), 16)
  FROM pg_control_system() AS system, registry_head AS head
$$;
