-- The configuration of a tenant: no secret in it, whoever writes it, and its often-read fields are columns.

-- The rules of src/profile/secret-detector.ts, as a last resort; a test holds the two together.
CREATE FUNCTION registry_find_secret(key text, value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $secret$
  SELECT CASE
    WHEN value = '' OR value ~ '^\$\{[A-Za-z_][A-Za-z0-9_]*\}$' THEN NULL
    WHEN lower(regexp_replace(key, '([a-z0-9])([A-Z])', '\1_\2', 'g'))
      ~ '(^|[^a-z0-9])(secret|token|password|passwd|pwd|passphrase|credentials?|(api|anon|service|private|secret|access|auth|account|signing|encryption)[^a-z0-9]?key)$'
      THEN 'a secret'
    WHEN value ~ '-----BEGIN [A-Z0-9 ]+-----' THEN 'a PEM block'
    WHEN value ~ 'eyJ[A-Za-z0-9_-]{0,255}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+' THEN 'a JSON Web Token'
    WHEN value ~ '[A-Za-z][A-Za-z0-9+.-]{0,30}://[^/?#@\s]{0,200}:[^/?#@\s]{1,200}@' THEN 'a URL with a password'
    WHEN value ~* '[?&](access_token|token|api_?key|key|sig|signature|secret|password|code|x-amz-signature)=[^&#\s]{8}'
      THEN 'a URL with a key in it'
    WHEN value ~ 'hooks\.slack\.com/services/|discord(app)?\.com/api/webhooks/' THEN 'a webhook that whoever knows it may call'
    WHEN value ~ '(^|[^A-Za-z0-9_])(SG\.[A-Za-z0-9_-]{6}|sk-[A-Za-z0-9_-]{12}|(sk|pk|rk)_(live|test)_[A-Za-z0-9]{8}|(AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12}|AIza[A-Za-z0-9_-]{20}|ya29\.|gh[pousr]_[A-Za-z0-9]{16}|github_pat_|glpat-|xox[abeoprs]-|xapp-|sb[ps]_[A-Za-z0-9_]{16}|sb_secret_|shp(at|ca|pa|ss)_|npm_[A-Za-z0-9]{16}|hf_[A-Za-z0-9]{16}|dop_v1_|whsec_|sq0[a-z]{3}-|EAAC[A-Za-z0-9]{10}|(SK|AC)[0-9a-f]{32}|key-[0-9a-f]{32}|re_[A-Za-z0-9]{16}|pat-[a-z]{2}[0-9]-|vault:v[0-9]|hvs\.|trk_[A-Za-z0-9_-]{16})'
      THEN 'a key of a known service'
    WHEN value ~ '(^|[^A-Za-z])(Bearer|Basic) +[A-Za-z0-9+/=._~-]{12}' THEN 'an Authorization header'
    WHEN value ~* $re$(password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|account ?key|shared ?access ?key)["']? *[:=] *["']?[^\s"'$]{6}$re$
      THEN 'a password or key in a text'
    WHEN EXISTS (
      SELECT FROM regexp_matches(
        regexp_replace(value, 'https?://[^\s?#]+|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}', ' ', 'g'),
        '[A-Za-z0-9+/_-]{16,}', 'g') AS run
      WHERE regexp_count(run[1], '[A-Za-z](?=[0-9])|[0-9](?=[A-Za-z])|[a-z](?=[A-Z]($|[^a-z]|[a-z]($|[^a-z])))') >= 5)
      THEN 'a random key'
  END
$secret$;
COMMENT ON FUNCTION registry_find_secret IS 'What a text of a configuration looks like when it looks like a secret; null: like none. key is the name it stands under.';

CREATE FUNCTION registry_find_config_secret(config jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = public, pg_catalog, pg_temp AS $$
  WITH RECURSIVE node (key, value, path, named) AS (
    SELECT '', config, '', NULL
    UNION ALL
    SELECT below.key, below.value, node.path || CASE WHEN node.path = '' THEN '' ELSE '.' END || below.name, below.named
    FROM node
    CROSS JOIN LATERAL (
      SELECT item.key, item.value, CASE WHEN found.secret IS NULL THEN item.key ELSE '…' END AS name,
        CASE WHEN found.secret IS NOT NULL THEN 'a secret as the name of a key' END AS named
      FROM jsonb_each(CASE jsonb_typeof(node.value) WHEN 'object' THEN node.value ELSE '{}' END) AS item,
        LATERAL (SELECT registry_find_secret('', item.key)) AS found (secret)
      UNION ALL
      SELECT node.key, item.value, (item.place - 1)::text, NULL
      FROM jsonb_array_elements(CASE jsonb_typeof(node.value) WHEN 'array' THEN node.value ELSE '[]' END)
        WITH ORDINALITY AS item (value, place)
    ) AS below
  )
  SELECT path || ' looks like ' || coalesce(named, looks_like)
  FROM node, LATERAL (SELECT CASE WHEN jsonb_typeof(value) IN ('string', 'number') THEN registry_find_secret(key, value #>> '{}') END) AS found (looks_like)
  WHERE coalesce(named, looks_like) IS NOT NULL
  LIMIT 1
$$;
COMMENT ON FUNCTION registry_find_config_secret IS 'The first place of a configuration that looks like a secret, and like what; never the text itself. null: none does.';

-- What the configuration says counts; where it says nothing the column stands alone.
CREATE FUNCTION registry_keep_in_step(INOUT config jsonb, was jsonb, path text[], INOUT field text, field_was text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (config #> path) IS DISTINCT FROM (was #> path) THEN
    field := coalesce(config #>> path, field);
  ELSIF config #> path IS NOT NULL AND field IS DISTINCT FROM field_was THEN
    config := CASE WHEN field IS NULL THEN config #- path ELSE jsonb_set(config, path, to_jsonb(field)) END;
  END IF;
END
$$;
COMMENT ON FUNCTION registry_keep_in_step IS 'A configuration and a column that repeats what stands at one of its paths, after either was changed.';

CREATE FUNCTION tenants_config_maintain() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  secret text;
  was jsonb := CASE TG_OP WHEN 'UPDATE' THEN OLD.tenant_config ELSE '{}' END;
BEGIN
  IF NEW.tenant_config IS DISTINCT FROM was THEN
    secret := registry_find_config_secret(NEW.tenant_config);
    IF secret IS NOT NULL THEN
      RAISE EXCEPTION 'the configuration of tenant %: %', NEW.slug, secret
        USING ERRCODE = 'check_violation', CONSTRAINT = 'tenants_config_without_secrets',
          HINT = 'Keep it in the environment of whoever uses it and name its variable, such as ${TENANT_SENDGRID_KEY}.';
    END IF;
  END IF;

  SELECT * INTO NEW.tenant_config, NEW.primary_email
    FROM registry_keep_in_step(NEW.tenant_config, was, '{email,primary}', NEW.primary_email, OLD.primary_email);
  SELECT * INTO NEW.tenant_config, NEW.gcp_project_id
    FROM registry_keep_in_step(NEW.tenant_config, was, '{infrastructure,gcp,project_id}', NEW.gcp_project_id, OLD.gcp_project_id);
  SELECT * INTO NEW.tenant_config, NEW.gcp_dataset
    FROM registry_keep_in_step(NEW.tenant_config, was, '{infrastructure,gcp,dataset}', NEW.gcp_dataset, OLD.gcp_dataset);
  RETURN NEW;
END
$$;
-- Before tenants_maintain, which looks at what changed.
CREATE TRIGGER tenants_config_maintain BEFORE INSERT OR UPDATE ON tenants FOR EACH ROW EXECUTE FUNCTION tenants_config_maintain();
COMMENT ON FUNCTION tenants_config_maintain IS 'Keeps secrets out of tenant_config, and its often-read fields and their columns the same.';
