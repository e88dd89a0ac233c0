-- Names as people write them: joiners inside words and emoji, one spelling of time zones, domains of e-mail addresses in punycode, and a
-- refusal that tells that a taken slug belongs to a deleted tenant.

-- The same rule as withoutJoiners in src/registry/joiners.ts, in the same ranges; a test compares the two.
CREATE FUNCTION registry_without_joiners(given text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
DECLARE
  joining constant text := '\u0620-\u06dc\u06de-\u070d\u0710-\u07ff\u0840-\u088f\u0897-\u08e1\u08e3-\u0dff\u0f00-\u109f\u1700-\u180d\u180f-\u18af\u1900-\u194f'
    '\u1a20-\u1bff\ua800-\ua87f\ua880-\ua9ff\uaa60-\uaaff\uabc0-\uabff\U00011000-\U000110bc\U000110be-\U000110cc\U000110d0-\U00011fff\U0001e900-\U0001e95f';
  virama constant text := '\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d3b\u0d3c\u0d4d\u0dca\u0f84\u1039\u103a\u1714\u1734\u17d2\u1b44\u1baa\u1bab\ua806\ua8c4\ua953\ua9c0\uabed';
  emoji constant text := '\u2190-\u2bff\U0001f000-\U0001fbff';
BEGIN
  IF given !~ '[\u200c\u200d\U000e007f]' THEN
    RETURN given;
  END IF;
  RETURN regexp_replace(given, concat_ws('|',
    '(?<=[' || joining || '])[\u200c\u200d](?=[.0-9A-Za-z' || joining || '])',
    '(?<=[0-9A-Za-z])[\u200c\u200d](?=[' || joining || '])',
    '(?<=[' || virama || '])\u200d',
    '(?<=[\ufe0f' || emoji || '])\u200d(?=[' || emoji || '])',
    '(?<=\U0001f3f4)[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f'), '', 'g');
END
$$;

-- The same rule as text() in src/registry/input.ts; a test compares the two. PostgreSQL has no regular expression classes for
-- Unicode categories, so the ranges of blanks and of invisible characters are listed here. It accepts
-- characters that Unicode has not assigned yet, which text() refuses.
CREATE OR REPLACE FUNCTION registry_read_text(field text, given text, longest int) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET standard_conforming_strings = on AS $$
DECLARE
  blank constant text := '[ \t\n\u000b\f\r\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+';
  hidden constant text := '[\u0001-\u001f\u007f-\u009f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f'
    '\u2028-\u202e\u2060-\u206f\ue000-\uf8ff\ufdd0-\ufdef\ufeff\ufff0-\ufffb\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001343f'
    '\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U0010ffff]';
  trimmed text := regexp_replace(regexp_replace(given, '^' || blank, ''), blank || '$', '');
  problem text := CASE
    WHEN trimmed = '' THEN 'must not be empty'
    WHEN length(trimmed) > longest THEN format('must have at most %s characters', longest)
    WHEN registry_without_joiners(trimmed) ~ hidden THEN 'must not hold control or invisible characters'
  END;
BEGIN
  IF problem IS NOT NULL THEN
    PERFORM registry_refuse_call('VALIDATION_ERROR', field || ': ' || problem, 'Blanks at both ends are removed automatically.');
  END IF;
  RETURN trimmed;
END
$$;

-- One trigger function for three tables, and no other function called by it, because it runs with the rights of the writer. Its arguments
-- are the columns of e-mail addresses. Names that this server does not know stay as they are: the gateway may know newer ones.
CREATE FUNCTION registry_keep_spelling() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  was jsonb := to_jsonb(OLD);
  now_is jsonb := to_jsonb(NEW);
  place text;
  given text;
BEGIN
  FOREACH place IN ARRAY TG_ARGV LOOP
    given := substring(now_is ->> place FROM '@([^@]*)$');
    IF octet_length(given) <> length(given) AND now_is -> place IS DISTINCT FROM was -> place THEN
      RAISE EXCEPTION '%: the domain must be in punycode', place
        USING ERRCODE = 'invalid_parameter_value', HINT = 'Write xn--mller-kva.example for müller.example; GraphQL and REST convert it.';
    END IF;
  END LOOP;
  IF now_is ? 'timezone' AND now_is -> 'timezone' IS DISTINCT FROM was -> 'timezone' THEN
    BEGIN
      -- PostgreSQL finds a zone in any case, and reports its name as the IANA database spells it.
      PERFORM set_config('timezone', now_is ->> 'timezone', true);
      given := current_setting('timezone');
      IF lower(given) = lower(now_is ->> 'timezone') THEN
        NEW.timezone := given;
      END IF;
    EXCEPTION WHEN invalid_parameter_value THEN
      NULL;
    END;
  END IF;
  RETURN NEW;
END
$$;
-- Before tenants_maintain and the triggers that count versions: another spelling alone is no change.
CREATE TRIGGER tenants_keep_spelling BEFORE INSERT OR UPDATE OF timezone, primary_email, tenant_config ON tenants
  FOR EACH ROW EXECUTE FUNCTION registry_keep_spelling('primary_email');
CREATE TRIGGER tenant_settings_keep_spelling BEFORE INSERT OR UPDATE OF timezone, support_email, email_from_email ON tenant_settings
  FOR EACH ROW EXECUTE FUNCTION registry_keep_spelling('support_email', 'email_from_email');
CREATE TRIGGER members_keep_spelling BEFORE INSERT OR UPDATE OF email ON members
  FOR EACH ROW EXECUTE FUNCTION registry_keep_spelling('email');

CREATE OR REPLACE PROCEDURE register_tenant(slug text, name text, INOUT tenant_id uuid DEFAULT NULL)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
  problem text := registry_slug_problem(register_tenant.slug);
  clean_name text;
  made tenants;
  taker tenants;
BEGIN
  PERFORM registry_require_given('slug', register_tenant.slug);
  PERFORM registry_require_given('name', register_tenant.name);
  IF problem IS NOT NULL THEN
    PERFORM registry_refuse_call('VALIDATION_ERROR', 'slug: ' || problem, 'An example is acme-corp.');
  END IF;
  clean_name := registry_read_text('name', register_tenant.name, 200);

  -- Waits for a concurrent registration of the same slug. Ids and slugs of purged tenants stay taken.
  INSERT INTO tenants (id, slug, name, created_by)
    VALUES (coalesce(register_tenant.tenant_id, gen_random_uuid()), register_tenant.slug, clean_name, registry_actor())
    ON CONFLICT DO NOTHING RETURNING * INTO made;
  IF made.id IS NULL THEN
    SELECT * INTO taker FROM tenants WHERE slug = register_tenant.slug;
    IF FOUND THEN
      PERFORM registry_refuse_call('CONFLICT',
        format('Slug "%s" is taken by tenant %s', taker.slug, taker.id) || CASE taker.status
          WHEN 'deleted' THEN ', which is deleted' WHEN 'purged' THEN ', which is purged' ELSE '' END,
        CASE taker.status
          WHEN 'deleted' THEN 'The mutation restoreTenant brings it back until its purge date; or choose another slug.'
          WHEN 'purged' THEN 'The slug stays taken: choose another one.'
          ELSE 'Use that tenant, or choose another slug.' END);
    END IF;
    SELECT * INTO taker FROM tenants WHERE id = register_tenant.tenant_id;
    PERFORM registry_refuse_call('CONFLICT', format('Id %s is taken by tenant %s', register_tenant.tenant_id, taker.slug), 'Omit the id, or use that tenant.');
  END IF;
  INSERT INTO tenant_settings (tenant_id, company_name, support_email, currency, timezone)
    VALUES (made.id, made.name, made.primary_email, made.currency, made.timezone);
  INSERT INTO tenant_branding (tenant_id) VALUES (made.id);
  register_tenant.tenant_id := made.id;
END
$$;

REVOKE ALL ON FUNCTION registry_without_joiners(text), registry_keep_spelling() FROM PUBLIC;

COMMENT ON FUNCTION registry_without_joiners(text) IS 'The text without ZWNJ, ZWJ and tags where letters, emoji and flags need them.';
COMMENT ON FUNCTION registry_keep_spelling() IS 'Writes a time zone as the IANA database spells it, and refuses e-mail addresses whose domain is not in punycode.';
COMMENT ON TRIGGER tenants_keep_spelling ON tenants IS 'Writes the time zone as the IANA database spells it, and refuses an e-mail address whose domain is not in punycode. Runs before tenants_maintain.';
COMMENT ON TRIGGER tenant_settings_keep_spelling ON tenant_settings IS 'Writes the time zone as the IANA database spells it, and refuses e-mail addresses whose domain is not in punycode.';
COMMENT ON TRIGGER members_keep_spelling ON members IS 'Refuses an e-mail address whose domain is not in punycode.';
