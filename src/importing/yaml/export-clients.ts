import { lstat, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { authorize } from '../../auth/permissions.js';
import { invalidField, messageOf } from '../../errors.js';
import { type ExportedTenant, exportRegistry } from '../../profile/export-registry.js';
import type { CommandContext } from '../../registry/command.js';
import { findTenantRecord } from '../../registry/tenants/tenant-record.js';
import { clientFile, readClientText, UnreadableFile } from './client-folder.js';
import { writeClientFile, writtenMark } from './client-writer.js';

export interface ClientExportRequest {
  /** The folder with one folder per client. It is made when it does not exist. */
  folder: string;
  /** Only the tenants with these ids, slugs or external ids; an empty list means all. */
  only: readonly string[];
  /** Also replaces files that no export has written. */
  force: boolean;
}

export type WrittenAction = 'create' | 'replace' | 'unchanged' | 'leaveAlone' | 'leaveOut' | 'fail';

interface WrittenClient {
  slug: string;
  file: string;
  action: WrittenAction;
  why: string | null;
}

export interface ClientExportReport {
  clients: WrittenClient[];
  /** Values that look like secrets and were left out; the registry's rules would not have accepted them. */
  secrets: { slug: string; path: string }[];
}

/** Writes a client.yaml for each active or suspended tenant, for what still reads files. */
export async function exportClients(
  context: CommandContext,
  request: ClientExportRequest,
): Promise<ClientExportReport> {
  authorize(context.caller, 'readRegistry');
  const { folder, only } = request;
  const wanted = await findSlugs(context, only);
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw invalidField('folder', `${folder} cannot be made (${messageOf(error)})`);
  });
  const report: ClientExportReport = { clients: [], secrets: [] };
  await exportRegistry(context, {
    onBegin: async () => undefined,
    onTenant: async (tenant) => {
      if (only.length > 0 && !wanted.has(tenant.slug)) return;
      report.clients.push(await writeClient(request, tenant));
    },
    onSecret: (slug, path) => {
      if (only.length === 0 || wanted.has(slug)) report.secrets.push({ slug, path });
    },
  });
  return report;
}

/** The slugs of the tenants with these ids, slugs or external ids. Throws VALIDATION_ERROR when one names no tenant. */
async function findSlugs(
  { database }: CommandContext,
  references: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = await Promise.all(
    references.map(async (reference) => ({ reference, tenant: await findTenantRecord(database, reference) })),
  );
  const missing = found.filter(({ tenant }) => !tenant || tenant.status === 'PURGED');
  if (missing.length > 0)
    throw invalidField(
      '--only',
      `there is no tenant ${missing.map(({ reference }) => reference).join(', ')}`,
    );
  return new Set(found.map(({ tenant }) => tenant?.slug ?? ''));
}

async function writeClient(
  { folder, force }: ClientExportRequest,
  tenant: ExportedTenant,
): Promise<WrittenClient> {
  const { slug, status } = tenant;
  const file = clientFile(folder, slug);
  const entry = (action: WrittenAction, why: string | null = null): WrittenClient => ({
    slug,
    file,
    action,
    why,
  });
  if (status !== 'ACTIVE' && status !== 'SUSPENDED')
    return entry('leaveOut', `the tenant is ${status.toLowerCase()}`);
  const text = writeClientFile(tenant);
  try {
    const before = await readExisting(folder, slug);
    if (before === text) return entry('unchanged');
    if (before !== undefined && !before.startsWith(writtenMark) && !force)
      return entry('leaveAlone', 'there is a file that no export has written: use --force to replace it');
    await replaceFile(join(folder, slug), file, text);
    return entry(before === undefined ? 'create' : 'replace');
  } catch (error) {
    return entry('fail', `it could not be written: ${messageOf(error)}`);
  }
}

async function readExisting(folder: string, slug: string): Promise<string | undefined> {
  try {
    return (await readClientText(folder, slug)).text;
  } catch (error) {
    if (error instanceof UnreadableFile && !error.isMissing) throw error;
    if (error instanceof UnreadableFile || (error as NodeJS.ErrnoException).code === 'ENOENT')
      return undefined;
    throw error;
  }
}

/** Writes into a folder that is no link, and puts the file in place when it is complete. */
async function replaceFile(own: string, file: string, text: string): Promise<void> {
  await mkdir(own, { recursive: true });
  if (!(await lstat(own)).isDirectory()) throw new Error('its folder is a link');
  const unfinished = `${file}.${process.pid}.unfinished`;
  // A process with the same number may have been killed before.
  await rm(unfinished, { force: true });
  try {
    await writeFile(unfinished, text, { flag: 'wx', mode: 0o640, flush: true });
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
