-- Schemas and databases that stood before the registry did keep the names they have, whatever their form. The registry
-- itself goes on issuing names of its own form only.

ALTER TABLE module_subscriptions
  DROP CONSTRAINT module_subscriptions_schema_name_form,
  ADD CONSTRAINT module_subscriptions_schema_name_form CHECK (
    octet_length(schema_name) BETWEEN 1 AND 63 AND schema_name !~ '^pg_|[[:cntrl:]]' AND schema_name <> 'information_schema'),
  DROP CONSTRAINT module_subscriptions_database_name_form,
  ADD CONSTRAINT module_subscriptions_database_name_form CHECK (
    octet_length(database_name) BETWEEN 1 AND 63
    AND (isolation = 'schema' OR (database_name !~ '^pg_|[[:cntrl:]]' AND database_name NOT IN ('postgres', 'template0', 'template1'))));

ALTER TABLE storage_names
  DROP CONSTRAINT storage_names_name_form,
  ADD CONSTRAINT storage_names_name_form CHECK (octet_length(name) BETWEEN 1 AND 63 AND name !~ '^pg_|[[:cntrl:]]');
