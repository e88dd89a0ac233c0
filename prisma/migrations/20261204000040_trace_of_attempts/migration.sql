-- The trace of the request that began an attempt, so that the steps of an operation stay in one trace, whichever worker runs them.

-- The setting registry.trace_parent of the transaction, in the form of the header traceparent (W3C Trace Context).
CREATE FUNCTION registry_trace_parent() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT given FROM current_setting('registry.trace_parent', true) AS given WHERE given ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$'
$$;
REVOKE ALL ON FUNCTION registry_trace_parent() FROM PUBLIC;

-- Two statements: existing rows have no trace.
ALTER TABLE operation_attempts ADD COLUMN "trace_parent" TEXT;
ALTER TABLE operation_attempts ALTER COLUMN "trace_parent" SET DEFAULT registry_trace_parent();

COMMENT ON FUNCTION registry_trace_parent() IS 'Trace that the transaction belongs to: the setting registry.trace_parent; null if there is none or if it has another form.';
COMMENT ON COLUMN operation_attempts.trace_parent IS 'Trace of the request that began the attempt, as in the header traceparent; null if it was not traced.';
