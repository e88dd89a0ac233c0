import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder crm of SQL files in a new MODULES_DIR, beside an _every without tables; removed when the test ends. */
export async function aModuleFolder(files: Record<string, string | Buffer>): Promise<string> {
  const modulesDir = await mkdtemp(join(tmpdir(), 'tenant-registry-files-'));
  onTestFinished(() => rm(modulesDir, { recursive: true }));
  for (const folder of ['_every', 'crm']) await mkdir(join(modulesDir, folder));
  await writeFile(join(modulesDir, '_every', '0001_every.sql'), 'CREATE TABLE settings (key text)');
  for (const [name, content] of Object.entries(files))
    await writeFile(join(modulesDir, 'crm', name), content);
  return modulesDir;
}
