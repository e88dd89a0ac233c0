-- The modules in use so far. They are rows: more are added at run time by registerModule.
SELECT set_config('registry.actor', 'migration', true);

INSERT INTO modules (name, description, database_ref, database_name, schema_prefix, isolation, migrations_folder) VALUES
  ('operations', 'Parties, bookings and their documents', 'OPERATIONS_DB_URL', 'operations', 'tenant_', 'schema', 'operations'),
  ('finance', 'Accounts receivable: customers, invoices, payments', 'FINANCE_DB_URL', 'finance', 'finance_', 'schema', 'finance'),
  ('inventory', 'Items, locations and stock movements', 'INVENTORY_DB_URL', 'inventory', 'inventory_', 'schema', 'inventory'),
  ('dbtools', 'A database of the tenant''s own', 'DBTOOLS_DB_URL', 'dbtools', 'dbtools_tenant_', 'database', 'dbtools');
