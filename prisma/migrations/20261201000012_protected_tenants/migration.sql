-- Protection against deletion, and notes of operators.

ALTER TABLE "tenants" ADD COLUMN "is_protected" BOOLEAN NOT NULL DEFAULT false, ADD COLUMN "internal_note" TEXT;
ALTER TABLE tenants ADD CONSTRAINT tenants_internal_note_length CHECK (length(internal_note) BETWEEN 1 AND 2000);

-- A statement that clears is_protected and deletes is allowed: it names both.
CREATE FUNCTION tenants_protect() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'Tenant % is protected and can''t be %: clear isProtected with updateTenant first', NEW.slug, NEW.status
    USING ERRCODE = 'check_violation', CONSTRAINT = 'tenants_protected', HINT = 'In SQL: UPDATE tenants SET is_protected = false.';
END
$$;
REVOKE ALL ON FUNCTION tenants_protect() FROM PUBLIC;
CREATE TRIGGER tenants_protect BEFORE UPDATE ON tenants
  FOR EACH ROW WHEN (NEW.is_protected AND NEW.status IN ('deleted', 'purged') AND OLD.status IS DISTINCT FROM NEW.status)
  EXECUTE FUNCTION tenants_protect();

-- As in 20261129000002_change_log; a note of operators may be about people, so the log holds only its hash.
CREATE OR REPLACE FUNCTION registry_pseudonymise(tenant uuid, document jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET standard_conforming_strings = on AS $$
DECLARE
  secret bytea := (SELECT key FROM personal_data_keys WHERE tenant_id = tenant);
  consultants constant text[] := '{tenant_config,consultants}';
  field text;
  email text;
  written text;
BEGIN
  FOREACH field IN ARRAY ARRAY['full_name', 'support_phone', 'subject', 'internal_note'] LOOP
    IF document ->> field IS NOT NULL THEN
      document := jsonb_set(document, ARRAY[field], to_jsonb(coalesce(registry_keyed_hash(secret, document ->> field), '***')));
    END IF;
  END LOOP;
  IF jsonb_typeof(document #> consultants) = 'array' THEN
    document := jsonb_set(document, consultants, (
      SELECT coalesce(jsonb_agg(CASE
        WHEN jsonb_typeof(person) = 'object' AND person ->> 'name' IS NOT NULL
          THEN person || jsonb_build_object('name', coalesce(registry_keyed_hash(secret, person ->> 'name'), '***'))
        ELSE person END ORDER BY place), '[]')
      FROM jsonb_array_elements(document #> consultants) WITH ORDINALITY AS listed (person, place)));
  END IF;
  -- An escape such as \n ends in a letter that an address after it must not begin with. A line feed, which the text of a
  -- document never contains as such, keeps the two apart until the end.
  written := regexp_replace(document::text, E'\\\\(["\\\\/bfnrt]|u[0-9a-f]{4})', E'\\&\n', 'g');
  FOR email IN
    SELECT address[1] FROM regexp_matches(written, '[^\s"\\<>(),;:@]+@[^\s"\\<>(),;:@]+', 'g') AS address
    ORDER BY length(address[1]) DESC -- the longest first, because one address can be the end of another
  LOOP
    written := replace(written, email, coalesce(registry_keyed_hash(secret, lower(email)), '***'));
  END LOOP;
  RETURN replace(written, E'\n', '')::jsonb;
END
$$;

COMMENT ON COLUMN tenants.is_protected IS 'Protection against deletion: while it is true, a trigger refuses to delete or purge the tenant.';
COMMENT ON COLUMN tenants.internal_note IS 'Note of operators, 1 to 2,000 characters; null if there is none. Not shown to members of the tenant nor to registry_reader; the change log holds only a keyed hash.';
COMMENT ON FUNCTION tenants_protect() IS 'Trigger function: refuses to delete or purge a protected tenant.';
COMMENT ON TRIGGER tenants_protect ON tenants IS 'Refuses to delete or purge a protected tenant.';
COMMENT ON CONSTRAINT tenants_internal_note_length ON tenants IS 'A note has 1 to 2,000 characters; no note is null.';
