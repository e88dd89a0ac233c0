-- What every tenant schema and database has, whatever its module. Services and scripts rely on these two letter by letter.

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

COMMENT ON TABLE settings IS 'What the module''s service remembers for this tenant; written by the service. The tenant''s profile is in the registry.';
COMMENT ON COLUMN settings.key IS 'Name of the setting, such as invoice.payment_days.';
COMMENT ON COLUMN settings.value IS 'Any JSON; no secrets, only references such as ${TENANT_SENDGRID_KEY}.';
COMMENT ON COLUMN settings.updated_at IS 'Last change, set by the service; wall clock of the session''s time zone.';

COMMENT ON TABLE activity_log IS 'What users and jobs did to this tenant''s data, for the tenant to read; appended by the service.';
COMMENT ON COLUMN activity_log.id IS 'Identity of the entry; says nothing about order.';
COMMENT ON COLUMN activity_log.action IS 'What was done, noun and past participle, such as invoice.issued.';
COMMENT ON COLUMN activity_log.entity_type IS 'Table of the row it was done to; null: no single row.';
COMMENT ON COLUMN activity_log.entity_id IS 'id of that row; no foreign key, the row may be gone.';
COMMENT ON COLUMN activity_log.details IS 'Whatever explains it: who, from where, values before and after.';
COMMENT ON COLUMN activity_log.created_at IS 'When it was done; wall clock of the session''s time zone.';
