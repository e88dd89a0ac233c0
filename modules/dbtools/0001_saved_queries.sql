-- A tenant's own database: the tenant brings its tables, dbtools keeps the queries its people run on them.

CREATE TABLE saved_query (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name varchar(100) NOT NULL UNIQUE CHECK (btrim(name) <> ''),
  description text,
  statement text NOT NULL CHECK (btrim(statement) <> ''),
  parameters jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(parameters) = 'array'),
  created_by varchar(200),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE saved_query IS 'Queries that people of the tenant keep for use again; written by the dbtools service.';
COMMENT ON COLUMN saved_query.id IS 'Identity of the query.';
COMMENT ON COLUMN saved_query.name IS 'What people choose it by, once per tenant.';
COMMENT ON COLUMN saved_query.description IS 'What it answers.';
COMMENT ON COLUMN saved_query.statement IS 'SQL with parameters $1, $2, ...; the service runs it with the rights of whoever asks.';
COMMENT ON COLUMN saved_query.parameters IS 'For each parameter in order: [{name, type, default}].';
COMMENT ON COLUMN saved_query.created_by IS 'Subject of the member who saved it; null: the platform.';
COMMENT ON COLUMN saved_query.created_at IS 'When it was saved.';
COMMENT ON COLUMN saved_query.updated_at IS 'Last change, set by the service.';
