import pg from 'pg';
import { developer } from '../../../src/auth/caller.js';
import {
  type ImportReport,
  type ImportRequest,
  importDatabases,
} from '../../../src/importing/databases/database-import.js';
import type { ImportEntry } from '../../../src/importing/databases/take-over-plan.js';
import type { TestGateway } from '../../setup/gateway.js';

/** SQL for a schema as a service made it before the registry: a table with a row. */
export function legacySchema(name: string): string {
  const schema = pg.escapeIdentifier(name);
  return `CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.invoice (id int PRIMARY KEY, note text);
    INSERT INTO ${schema}.invoice VALUES (1, ${pg.escapeLiteral(name)});`;
}

export interface LegacyRow {
  id: string;
  slug: string;
  name?: string;
  modules?: string[];
  operations?: string;
  finance?: string;
  status?: string;
}

/** SQL for the table `tenant_registry` as the services used it. */
export function legacyRegistry(rows: LegacyRow[]): string {
  const text = (value: string | undefined) => (value === undefined ? 'NULL' : pg.escapeLiteral(value));
  const list = (values: string[]) => `ARRAY[${values.map(pg.escapeLiteral).join(',')}]::text[]`;
  const values = rows.map(
    ({
      id,
      slug,
      name = slug,
      modules = ['operations', 'finance'],
      operations,
      finance,
      status = 'active',
    }) =>
      `(${text(id)}, ${text(slug)}, ${text(name)}, ${list(modules)}, ${text(operations)}, ${text(finance)}, ${text(status)})`,
  );
  return `CREATE TABLE tenant_registry (tenant_id uuid PRIMARY KEY, tenant_slug text, tenant_name text,
      modules_subscribed text[], operations_schema text, finance_schema text, status text);
    INSERT INTO tenant_registry VALUES ${values.join(',')};`;
}

export async function takeOver(
  gateway: TestGateway,
  options: Partial<ImportRequest> = {},
): Promise<ImportReport> {
  return importDatabases(gateway.app.commandsFor(developer), {
    modules: ['operations', 'finance', 'inventory'],
    isDryRun: false,
    hasEmbedded: false,
    ...options,
  });
}

/** The entries of the report as "schema: action", sorted. */
export function actions({ entries }: Pick<ImportReport, 'entries'>): string[] {
  return entries.map(({ schema, slug, action }) => `${schema ?? slug}: ${action}`).sort();
}

export function entryFor({ entries }: Pick<ImportReport, 'entries'>, schema: string): ImportEntry {
  const entry = entries.find((one) => one.schema === schema);
  if (!entry) throw new Error(`the report has no entry for ${schema}: ${JSON.stringify(entries)}`);
  return entry;
}

export async function revisionOf(gateway: TestGateway): Promise<string> {
  const [head] = await gateway.psql<{ revision: string }>('SELECT revision FROM registry_head');
  return head?.revision ?? '';
}
