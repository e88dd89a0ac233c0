import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The file that every schema has, and the three that it gets. */
const first = { '0001_contacts.sql': 'CREATE TABLE contact (id int, name text);\n' };
export const added = {
  '0002_phones.sql':
    'ALTER TABLE contact ADD COLUMN phone text;\nCREATE INDEX contact_by_phone ON contact (phone);\n',
  '0003_invoices.sql':
    'CREATE TABLE invoice (id bigint PRIMARY KEY, contact_id int, total numeric NOT NULL DEFAULT 0, created_at timestamptz NOT NULL DEFAULT now());\n' +
    'CREATE INDEX invoice_by_contact ON invoice (contact_id);\n',
  '0004_open_invoices.sql': 'CREATE VIEW open_invoice AS SELECT id, total FROM invoice WHERE total > 0;\n',
};

export async function createModulesDir(
  modules: readonly string[],
): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'tenant-registry-modules-'));
  await mkdir(join(path, '_every'));
  await writeFile(join(path, '_every/0001_nothing.sql'), 'SELECT 1;\n');
  for (const module of modules) {
    await mkdir(join(path, module));
    await write(path, module, first);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

export function addFiles(modulesDir: string, module: string): Promise<void> {
  return write(modulesDir, module, added);
}

async function write(modulesDir: string, module: string, files: Record<string, string>): Promise<void> {
  for (const [name, sql] of Object.entries(files)) await writeFile(join(modulesDir, module, name), sql);
}
