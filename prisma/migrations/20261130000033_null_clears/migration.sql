-- Where the configuration has the field, field and column are kept equal, also when either of them is cleared. A column that is
-- written at once with a configuration without the field, and one whose field the configuration never had, stand alone.
CREATE OR REPLACE FUNCTION registry_keep_in_step(INOUT config jsonb, was jsonb, path text[], INOUT field text, field_was text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (config #> path) IS DISTINCT FROM (was #> path) THEN
    field := CASE WHEN config #> path IS NULL AND field IS DISTINCT FROM field_was THEN field ELSE config #>> path END;
  ELSIF config #> path IS NOT NULL AND field IS DISTINCT FROM field_was THEN
    config := CASE WHEN field IS NULL THEN config #- path ELSE jsonb_set(config, path, to_jsonb(field)) END;
  END IF;
END
$$;
