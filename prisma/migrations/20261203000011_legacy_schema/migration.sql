-- Schema legacy: the tables of the platforms that moved into the registry, as views under their old names and columns. Services go on to
-- read and write them with legacy in their search_path; tables and triggers of the registry apply its rules and record each change.
-- docs/decisions/0034 says why three views can be updated by PostgreSQL itself and one needs INSTEAD OF triggers.

-- As the functions of 20261129000007_row_level_security: no function may call it.
CREATE FUNCTION registry_sees_legacy() RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN coalesce(pg_has_role(to_regrole('registry_legacy'), 'USAGE'), false)
    AND NOT coalesce(pg_has_role(to_regrole('registry_reader'), 'USAGE'), false);
END
$$;

-- Where the owner of the tables does not own the database, the policies apply to what is done through the views. Members of
-- registry_legacy have no right on the tables themselves. The conditions call nothing that other roles would need a right for.
CREATE POLICY registry_legacy ON tenants USING (
  (SELECT coalesce(pg_has_role(to_regrole('registry_legacy'), 'USAGE'), false))
  AND (NOT (SELECT coalesce(pg_has_role(to_regrole('registry_reader'), 'USAGE'), false)) OR id = (SELECT registry_visible_tenant())));
CREATE POLICY registry_legacy ON tenant_settings USING (
  (SELECT coalesce(pg_has_role(to_regrole('registry_legacy'), 'USAGE'), false))
  AND (NOT (SELECT coalesce(pg_has_role(to_regrole('registry_reader'), 'USAGE'), false)) OR tenant_id = (SELECT registry_visible_tenant())));
CREATE POLICY registry_legacy ON tenant_branding USING (
  (SELECT coalesce(pg_has_role(to_regrole('registry_legacy'), 'USAGE'), false))
  AND (NOT (SELECT coalesce(pg_has_role(to_regrole('registry_reader'), 'USAGE'), false)) OR tenant_id = (SELECT registry_visible_tenant())));
CREATE POLICY registry_legacy ON members FOR SELECT USING (
  (SELECT coalesce(pg_has_role(to_regrole('registry_legacy'), 'USAGE'), false))
  AND (NOT (SELECT coalesce(pg_has_role(to_regrole('registry_reader'), 'USAGE'), false)) OR tenant_id = (SELECT registry_visible_tenant())));
CREATE POLICY registry_legacy ON invitations FOR SELECT USING (
  (SELECT coalesce(pg_has_role(to_regrole('registry_legacy'), 'USAGE'), false))
  AND (NOT (SELECT coalesce(pg_has_role(to_regrole('registry_reader'), 'USAGE'), false)) OR tenant_id = (SELECT registry_visible_tenant())));

COMMENT ON POLICY registry_legacy ON tenants IS 'Rows behind the views of schema legacy, for members of registry_legacy, which have no rights on the table; those of the tenant in app.tenant_id for members of registry_reader as well.';
COMMENT ON POLICY registry_legacy ON tenant_settings IS 'Rows behind the views of schema legacy, for members of registry_legacy, which have no rights on the table; those of the tenant in app.tenant_id for members of registry_reader as well.';
COMMENT ON POLICY registry_legacy ON tenant_branding IS 'Rows behind the views of schema legacy, for members of registry_legacy, which have no rights on the table; those of the tenant in app.tenant_id for members of registry_reader as well.';
COMMENT ON POLICY registry_legacy ON members IS 'Rows behind the views of schema legacy, for members of registry_legacy, which have no rights on the table; those of the tenant in app.tenant_id for members of registry_reader as well.';
COMMENT ON POLICY registry_legacy ON invitations IS 'Rows behind the views of schema legacy, for members of registry_legacy, which have no rights on the table; those of the tenant in app.tenant_id for members of registry_reader as well.';

-- DELETE FROM legacy.tenants deletes a tenant as the registry does: it can be restored until its purge date.
CREATE FUNCTION registry_delete_legacy_tenant() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  UPDATE legacy.tenants SET status = 'deleted' WHERE id = OLD.id AND status <> 'deleted';
  RETURN OLD;
END
$$;

-- Runs with the rights of the writer, whose tenants are those that legacy.tenants shows. The next trigger writes.
CREATE FUNCTION registry_check_legacy_member() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  SELECT tenant_uuid INTO NEW.tenant_uuid FROM legacy.tenants WHERE id = NEW.tenant_id OR slug = NEW.tenant_id LIMIT 1;
  IF NEW.tenant_uuid IS NULL THEN
    RAISE EXCEPTION 'TENANT_NOT_FOUND: No tenant has the id "%"', left(NEW.tenant_id, 100) USING ERRCODE = 'TR006', HINT = 'Insert the tenant first.';
  END IF;
  RETURN NEW;
END
$$;

-- The rules of inviteTenantMember, updateTenantMember and removeTenantMember. A member without a known subject is invited, and an
-- administrator sends the invitation.
CREATE FUNCTION registry_write_legacy_member() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  tenant tenants;
  member members;
  usage record;
  is_on boolean;
BEGIN
  IF TG_OP = 'DELETE' THEN
    NEW := OLD;
    NEW.is_active := false;
  END IF;
  SELECT * INTO tenant FROM tenants WHERE id = NEW.tenant_uuid FOR UPDATE;
  IF TG_OP = 'INSERT' THEN
    SELECT * INTO member FROM members WHERE tenant_id = tenant.id AND email = lower(btrim(NEW.email));
  ELSE
    SELECT * INTO member FROM members WHERE id = OLD.id;
    IF (NEW.id, NEW.tenant_id, NEW.tenant_uuid) IS DISTINCT FROM (OLD.id, OLD.tenant_id, OLD.tenant_uuid) OR lower(NEW.email) <> OLD.email THEN
      RAISE EXCEPTION 'Id, tenant and e-mail address of member % never change', OLD.id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'members_identity', HINT = 'Insert another member, and set is_active = false.';
    END IF;
  END IF;
  is_on := CASE WHEN TG_OP = 'INSERT' THEN coalesce(NEW.is_active, true) AND coalesce(NEW.status, 'active') <> 'removed'
                WHEN NEW.is_active IS DISTINCT FROM OLD.is_active THEN coalesce(NEW.is_active, false)
                ELSE NEW.status IS DISTINCT FROM 'removed' END;
  IF tenant.status = 'deleted' AND (is_on OR TG_OP = 'INSERT') THEN
    PERFORM registry_refuse_call('TENANT_DELETED', format('Tenant %s is deleted: restore it first', tenant.slug), 'restoreTenant brings it back until its purge date.');
  END IF;
  IF TG_OP = 'INSERT' AND member.id IS NOT NULL AND (member.status = 'active' OR member.status = 'invited' AND NEW.auth_user_id IS NULL) THEN
    PERFORM registry_refuse_call('CONFLICT', format('%s is a member of tenant %s already', member.email, tenant.slug), 'Change the row with UPDATE.');
  END IF;
  IF is_on AND coalesce(member.status, 'removed') = 'removed' THEN
    PERFORM registry_lock_usage(tenant.id, 'users');
    SELECT used, max INTO usage FROM registry_usage(tenant.id, 'users');
    IF usage.used >= usage.max THEN
      RAISE EXCEPTION 'QUOTA_EXCEEDED: Tenant % has % of at most % users', tenant.slug, trim_scale(usage.used), trim_scale(usage.max)
        USING ERRCODE = 'TR010', HINT = 'Remove a user, or raise max_users.';
    END IF;
  END IF;

  IF TG_OP = 'INSERT' OR NEW.name IS DISTINCT FROM OLD.name OR NEW.full_name IS DISTINCT FROM OLD.full_name THEN
    member.full_name := CASE WHEN TG_OP = 'INSERT' THEN coalesce(NEW.full_name, NEW.name, member.full_name)
                             WHEN NEW.name IS DISTINCT FROM OLD.name THEN NEW.name ELSE NEW.full_name END;
    IF member.full_name IS NOT NULL THEN
      member.full_name := registry_read_text('full_name', member.full_name, 200);
    END IF;
  END IF;
  -- Platforms have more roles than the registry, which knows who may administer a tenant.
  IF TG_OP = 'INSERT' OR NEW.role IS DISTINCT FROM OLD.role THEN
    member.role := CASE WHEN regexp_replace(lower(NEW.role), '[\s-]+', '_', 'g')
      IN ('admin', 'owner', 'administrator', 'tenant_admin', 'org_admin', 'superadmin', 'super_admin') THEN 'admin' ELSE 'member' END;
  END IF;
  IF TG_OP = 'INSERT' OR NEW.auth_user_id IS DISTINCT FROM OLD.auth_user_id THEN
    member.subject := NEW.auth_user_id;
  END IF;
  IF NOT is_on THEN
    member.subject := NULL;
  END IF;
  member.status := CASE WHEN NOT is_on THEN 'removed' WHEN member.subject IS NULL THEN 'invited' ELSE 'active' END;

  IF member.id IS NULL THEN
    INSERT INTO members (id, tenant_id, email, full_name, role, status, subject, created_at)
      VALUES (coalesce(NEW.id, gen_random_uuid()), tenant.id, lower(btrim(NEW.email)), member.full_name, member.role, member.status, member.subject,
              coalesce(NEW.created_at, now()))
      RETURNING * INTO member;
  ELSE
    -- An open invitation ends with the member, and with the subject that makes it superfluous.
    IF member.status <> 'invited' THEN
      DELETE FROM invitations WHERE member_id = member.id AND accepted_at IS NULL;
    END IF;
    UPDATE members SET full_name = member.full_name, role = member.role, status = member.status, subject = member.subject WHERE id = member.id;
    SELECT * INTO member FROM members WHERE id = member.id;
  END IF;
  IF TG_OP = 'DELETE' THEN
    RETURN OLD;
  END IF;
  -- RETURNING shows the row as the view does.
  NEW.id := member.id;
  NEW.tenant_id := tenant.legacy_id;
  NEW.auth_user_id := member.subject;
  NEW.email := member.email;
  NEW.name := member.full_name;
  NEW.full_name := member.full_name;
  NEW.role := member.role::text;
  NEW.is_active := member.status <> 'removed';
  NEW.status := member.status::text;
  NEW.created_at := member.created_at;
  NEW.updated_at := member.updated_at;
  RETURN NEW;
END
$$;

-- The schema is made by a function, because the owner of the tables need not have the right to create schemas, and an application may
-- have one of this name already.
CREATE FUNCTION registry_create_legacy_schema() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $make$
DECLARE
  renamed constant jsonb := '{
    "tenants.id": "Id under which services of older platforms know the tenant: tenants.legacy_id. Cannot be changed.",
    "tenants.slug": "Slug of the tenant; cannot be written.",
    "tenant_uuid": "Id of the tenant in the registry; cannot be written.",
    "tenant_id": "Id under which services of older platforms know the tenant. A slug and every external id are accepted on INSERT.",
    "tenant_branding.color_primary": "The same as primary_color.",
    "tenant_branding.color_secondary": "The same as secondary_color.",
    "tenant_branding.color_accent": "The same as accent_color.",
    "organization_users.auth_user_id": "Subject at the identity provider; null for a member who has not accepted an invitation.",
    "organization_users.is_active": "False for removed members. Setting it to false removes the member with its subject.",
    "organization_users.role": "Role: admin or member. Other roles of older platforms are written as member.",
    "name": "The same as full_name.",
    "user_invitations.email": "E-mail address of the invited member.",
    "user_invitations.full_name": "Name of the invited member.",
    "user_invitations.role": "Role of the invited member.",
    "user_invitations.token": "Always null: the registry keeps hashes of tokens only.",
    "user_invitations.status": "pending, accepted or expired."
  }';
  target record;
BEGIN
  -- The catalogs tell without a right on a schema that belongs to somebody else.
  FOR target IN
    SELECT relation.relkind = 'v' AND relation.relowner = (SELECT relowner FROM pg_class WHERE oid = 'tenants'::regclass) AS is_ours
    FROM pg_class AS relation JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = 'legacy' AND relname = 'tenants'
  LOOP
    RETURN target.is_ours;
  END LOOP;
  BEGIN
    IF to_regnamespace('legacy') IS NULL THEN
      CREATE SCHEMA legacy;
      COMMENT ON SCHEMA legacy IS 'Tables of the platforms that moved into the registry, as views under their old names and columns.';
    END IF;

    CREATE VIEW legacy.tenants WITH (security_barrier = true) AS
    SELECT legacy_id AS id, name, short_name, status, plan, timezone, currency, primary_email, gcp_project_id, gcp_dataset, tenant_config,
           config_source, max_users, max_monthly_quotes, max_storage_gb, suspended_at, suspended_reason, deleted_at, created_at, created_by,
           updated_at, slug, id AS tenant_uuid
    FROM tenants
    WHERE status <> 'purged' AND (registry_sees_everything() OR registry_sees_legacy() OR id = (SELECT registry_visible_tenant()))
    WITH CASCADED CHECK OPTION;

    -- Both spellings of the colours are the same columns; a statement may set one of them.
    CREATE VIEW legacy.tenant_settings WITH (security_barrier = true) AS
    SELECT legacy_id AS tenant_id, company_name, support_email, support_phone, website, currency, timezone, email_from_name, email_from_email,
           updated_at, tenant_id AS tenant_uuid
    FROM tenant_settings
    WHERE registry_sees_everything() OR registry_sees_legacy() OR tenant_id = (SELECT registry_visible_tenant())
    WITH CASCADED CHECK OPTION;

    CREATE VIEW legacy.tenant_branding WITH (security_barrier = true) AS
    SELECT legacy_id AS tenant_id, preset_theme, logo_url, primary_color AS color_primary, secondary_color AS color_secondary,
           accent_color AS color_accent, primary_color, secondary_color, accent_color, updated_at, tenant_id AS tenant_uuid
    FROM tenant_branding
    WHERE registry_sees_everything() OR registry_sees_legacy() OR tenant_id = (SELECT registry_visible_tenant())
    WITH CASCADED CHECK OPTION;

    CREATE VIEW legacy.organization_users WITH (security_barrier = true) AS
    SELECT member.id, tenant.legacy_id AS tenant_id, member.subject AS auth_user_id, member.email, member.full_name AS name, member.full_name,
           member.role::text AS role, member.status <> 'removed' AS is_active, member.status::text AS status, member.created_at,
           member.updated_at, member.tenant_id AS tenant_uuid
    FROM members AS member JOIN tenants AS tenant ON tenant.id = member.tenant_id
    WHERE tenant.status <> 'purged'
      AND (registry_sees_everything() OR registry_sees_legacy() OR member.tenant_id = (SELECT registry_visible_tenant()));

    CREATE VIEW legacy.user_invitations WITH (security_barrier = true) AS
    SELECT invitation.id, tenant.legacy_id AS tenant_id, member.email, member.full_name AS name, member.full_name, member.role::text AS role,
           NULL::text AS token,
           CASE WHEN invitation.accepted_at IS NOT NULL THEN 'accepted' WHEN invitation.expires_at <= now() THEN 'expired' ELSE 'pending' END AS status,
           invitation.expires_at, invitation.accepted_at, invitation.created_at, invitation.tenant_id AS tenant_uuid
    FROM invitations AS invitation JOIN members AS member ON member.id = invitation.member_id JOIN tenants AS tenant ON tenant.id = invitation.tenant_id
    WHERE tenant.status <> 'purged'
      AND (registry_sees_everything() OR registry_sees_legacy() OR invitation.tenant_id = (SELECT registry_visible_tenant()));

    CREATE TRIGGER tenants_delete INSTEAD OF DELETE ON legacy.tenants FOR EACH ROW EXECUTE FUNCTION registry_delete_legacy_tenant();
    CREATE TRIGGER tenant_settings_refuse INSTEAD OF DELETE ON legacy.tenant_settings
      FOR EACH ROW EXECUTE FUNCTION registry_refuse('Every tenant has settings: change the row with UPDATE.');
    CREATE TRIGGER tenant_branding_refuse INSTEAD OF DELETE ON legacy.tenant_branding
      FOR EACH ROW EXECUTE FUNCTION registry_refuse('Every tenant has a branding: change the row with UPDATE.');
    CREATE TRIGGER organization_users_check INSTEAD OF INSERT ON legacy.organization_users
      FOR EACH ROW EXECUTE FUNCTION registry_check_legacy_member();
    CREATE TRIGGER organization_users_write INSTEAD OF INSERT OR UPDATE OR DELETE ON legacy.organization_users
      FOR EACH ROW EXECUTE FUNCTION registry_write_legacy_member();
    CREATE TRIGGER user_invitations_refuse INSTEAD OF INSERT OR UPDATE OR DELETE ON legacy.user_invitations
      FOR EACH ROW EXECUTE FUNCTION registry_refuse('The registry keeps no tokens: invite with inviteTenantMember or POST, withdraw with revokeInvitation.');
  EXCEPTION WHEN insufficient_privilege OR duplicate_table OR duplicate_object THEN
    RAISE NOTICE 'The views of schema legacy were not made (%); CREATE SCHEMA legacy AUTHORIZATION %, then SELECT registry_create_legacy_schema()', SQLERRM, current_user;
    RETURN false;
  END;

  COMMENT ON VIEW legacy.tenants IS 'Tenants that are not purged, as the table tenants of older platforms. SELECT, INSERT, UPDATE, and ON CONFLICT (id); DELETE sets the status deleted.';
  COMMENT ON VIEW legacy.tenant_settings IS 'Settings of tenants, as the table of older platforms. SELECT, INSERT, UPDATE, and ON CONFLICT (tenant_id).';
  COMMENT ON VIEW legacy.tenant_branding IS 'Branding of tenants, as the table of older platforms, with both spellings of the colours. SELECT, INSERT, UPDATE, and ON CONFLICT (tenant_id).';
  COMMENT ON VIEW legacy.organization_users IS 'Members of tenants, as the table of older platforms. SELECT, INSERT and UPDATE; DELETE and is_active = false remove a member. No ON CONFLICT with a target.';
  COMMENT ON VIEW legacy.user_invitations IS 'Invitations into tenants, without their tokens; cannot be written.';
  COMMENT ON TRIGGER tenants_delete ON legacy.tenants IS 'Sets the status deleted: the tenant can be restored until its purge date.';
  COMMENT ON TRIGGER tenant_settings_refuse ON legacy.tenant_settings IS 'Refuses DELETE: every tenant has settings.';
  COMMENT ON TRIGGER tenant_branding_refuse ON legacy.tenant_branding IS 'Refuses DELETE: every tenant has a branding.';
  COMMENT ON TRIGGER organization_users_check ON legacy.organization_users IS 'Refuses a tenant that the writer does not see. Runs before organization_users_write.';
  COMMENT ON TRIGGER organization_users_write ON legacy.organization_users IS 'Writes members by the rules of the registry.';
  COMMENT ON TRIGGER user_invitations_refuse ON legacy.user_invitations IS 'Refuses every change: the registry keeps no tokens.';
  -- The other columns mean what the columns of the same names in the tables mean.
  FOR target IN
    SELECT relname AS view, attname AS name, CASE relname WHEN 'organization_users' THEN 'members' WHEN 'user_invitations' THEN 'invitations'
             ELSE relname END AS behind
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = 'legacy'::regnamespace AND relkind = 'v' AND attnum > 0
  LOOP
    EXECUTE format('COMMENT ON COLUMN legacy.%I.%I IS %L', target.view, target.name, coalesce(
      renamed ->> (target.view || '.' || target.name),
      (SELECT col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = to_regclass('public.' || target.behind) AND attname = target.name
         AND NOT renamed ? target.name OR attrelid = to_regclass('public.tenants') AND target.view = 'tenants' AND attname = target.name),
      renamed ->> target.name));
  END LOOP;
  RETURN true;
END
$make$;
SELECT registry_create_legacy_schema();

REVOKE ALL ON FUNCTION registry_sees_legacy(), registry_delete_legacy_tenant(), registry_check_legacy_member(), registry_write_legacy_member(),
  registry_create_legacy_schema() FROM PUBLIC;

COMMENT ON FUNCTION registry_sees_legacy() IS 'True for members of registry_legacy that are not members of registry_reader: the views of schema legacy show them all tenants.';
COMMENT ON FUNCTION registry_delete_legacy_tenant() IS 'Trigger function of legacy.tenants: sets the status deleted.';
COMMENT ON FUNCTION registry_check_legacy_member() IS 'Trigger function of legacy.organization_users: refuses a tenant that the writer does not see.';
COMMENT ON FUNCTION registry_write_legacy_member() IS 'Trigger function of legacy.organization_users: writes members by the rules of the registry.';
COMMENT ON FUNCTION registry_create_legacy_schema() IS 'Makes schema legacy with its views, unless it exists; false when that is not possible. Called by a migration, and by an administrator who has made an empty schema for the owner of the tables.';
