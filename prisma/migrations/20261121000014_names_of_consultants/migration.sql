-- A configuration names people: consultants. In the log they become keyed hashes like everybody else.
CREATE OR REPLACE FUNCTION registry_pseudonymise(tenant uuid, document jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  secret bytea := (SELECT key FROM personal_data_keys WHERE tenant_id = tenant);
  consultants constant text[] := '{tenant_config,consultants}';
  field text;
  email text;
  written text;
BEGIN
  FOREACH field IN ARRAY ARRAY['full_name', 'support_phone', 'subject'] LOOP
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
  written := document::text;
  FOR email IN
    SELECT address[1] FROM regexp_matches(written, '[^\s"\\<>(),;:@]+@[^\s"\\<>(),;:@]+', 'g') AS address
    ORDER BY length(address[1]) DESC -- one address may end another
  LOOP
    written := replace(written, email, coalesce(registry_keyed_hash(secret, lower(email)), '***'));
  END LOOP;
  RETURN written::jsonb;
END
$$;
