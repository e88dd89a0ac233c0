-- Tables of every tenant schema and database, whatever its module. Services and scripts rely on their exact definition.

CREATE TABLE settings (
  key varchar(100) PRIMARY KEY,
  value jsonb NOT NULL,
  updated_at timestamp DEFAULT now()
);

CREATE TABLE activity_log (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  action varchar(100) NOT NULL,
  entity_type varchar(50),
  entity_id uuid,
  details jsonb,
  created_at timestamp DEFAULT now()
);

COMMENT ON TABLE settings IS 'Settings that the module''s service keeps for this tenant; written by the service. The tenant''s profile is in the registry.';
COMMENT ON COLUMN settings.key IS 'Name of the setting, such as invoice.payment_days.';
COMMENT ON COLUMN settings.value IS 'Value of the setting, any JSON. Secrets are stored as references such as ${TENANT_SENDGRID_KEY}.';
COMMENT ON COLUMN settings.updated_at IS 'Time of the last change, set by the service; local time in the time zone of the session.';

COMMENT ON TABLE activity_log IS 'Actions of users and jobs on this tenant''s data, for the tenant to read; appended by the service.';
COMMENT ON COLUMN activity_log.id IS 'Identity of the entry. Ids have no order.';
COMMENT ON COLUMN activity_log.action IS 'Name of the action, noun and past participle, such as invoice.issued.';
COMMENT ON COLUMN activity_log.entity_type IS 'Table of the row that the action changed; null: no single row.';
COMMENT ON COLUMN activity_log.entity_id IS 'Id of the row that the action changed. There is no foreign key: the row may have been deleted.';
COMMENT ON COLUMN activity_log.details IS 'Further facts, such as the user, the address and the values before and after.';
COMMENT ON COLUMN activity_log.created_at IS 'Time of the action; local time in the time zone of the session.';
