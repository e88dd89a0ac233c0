-- Every tenant has settings and branding, also one that was inserted by hand. At COMMIT, so that whoever inserts these rows in the same
-- transaction may do so.
CREATE FUNCTION tenants_complete_profile() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO tenant_settings (tenant_id, company_name, support_email, currency, timezone)
    SELECT id, name, primary_email, currency, timezone FROM tenants WHERE id = NEW.id AND status <> 'purged'
    ON CONFLICT DO NOTHING;
  INSERT INTO tenant_branding (tenant_id) SELECT id FROM tenants WHERE id = NEW.id AND status <> 'purged' ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION tenants_complete_profile() FROM PUBLIC;
CREATE CONSTRAINT TRIGGER tenants_complete_profile AFTER INSERT ON tenants DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION tenants_complete_profile();

COMMENT ON FUNCTION tenants_complete_profile IS 'Trigger function, deferred to COMMIT: inserts the settings and branding of a new tenant where they are missing.';
COMMENT ON TRIGGER tenants_complete_profile ON tenants IS 'Inserts settings and branding at COMMIT, for a tenant that was inserted without them.';

SELECT set_config('registry.actor', 'migration', true);
INSERT INTO tenant_settings (tenant_id, company_name, support_email, currency, timezone)
  SELECT id, name, primary_email, currency, timezone FROM tenants
  WHERE status <> 'purged' AND NOT EXISTS (SELECT FROM tenant_settings WHERE tenant_id = tenants.id);
INSERT INTO tenant_branding (tenant_id)
  SELECT id FROM tenants WHERE status <> 'purged' AND NOT EXISTS (SELECT FROM tenant_branding WHERE tenant_id = tenants.id);
