import type { Tenant } from '../../database/generated/prisma/client.js';
import { type RowForm, readRow } from '../../database/statements/row.js';

export const tenantRow: RowForm = {
  enums: new Set(['status', 'plan', 'configSource', 'statusBeforeDeletion']),
  columns: { config: 'tenant_config' },
};

/** A row of `SELECT * FROM tenants`. */
export function readTenantRow(row: Readonly<Record<string, unknown>>): Tenant {
  // All columns of the table are fields of the model, which a test compares.
  return readRow(tenantRow, row) as unknown as Tenant;
}
