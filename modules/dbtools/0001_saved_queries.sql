-- A tenant's own database: the tables are the tenant's, dbtools keeps the queries that its members run on them.

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

COMMENT ON TABLE saved_query IS 'Queries that members of the tenant save to run again; written by the dbtools service.';
COMMENT ON COLUMN saved_query.id IS 'Identity of the query.';
COMMENT ON COLUMN saved_query.name IS 'Name shown in lists, unique per tenant.';
COMMENT ON COLUMN saved_query.description IS 'Purpose of the query, for its readers.';
COMMENT ON COLUMN saved_query.statement IS 'SQL with parameters $1, $2, ...; the service runs it with the rights of the member who asks.';
COMMENT ON COLUMN saved_query.parameters IS 'One object {name, type, default} per parameter, in order.';
COMMENT ON COLUMN saved_query.created_by IS 'Subject of the member who saved the query; null: the platform.';
COMMENT ON COLUMN saved_query.created_at IS 'Time when the query was saved.';
COMMENT ON COLUMN saved_query.updated_at IS 'Time of the last change, set by the service.';
