import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Command } from 'commander';
import { Document, visit } from 'yaml';
import { invalidField } from '../../errors.js';
import { exportRegistry } from '../../profile/export-registry.js';
import { oneLine, steering } from '../terminal/printable.js';
import { withApp } from '../with-app.js';
import { addExportClients } from './export-clients.js';

export function addExport(program: Command): void {
  const group = program
    .command('export')
    .description(
      'Print the registry as YAML: modules and tenants with their profiles and the location of their data.',
    )
    .option('--tenant <tenant>', 'only this tenant, by id, slug or external id')
    .option('--out <file>', 'write to this file, readable by its owner only, instead of standard output')
    .addHelpText('after', explanation)
    .action(run);
  addExportClients(group);
}

const explanation = `
An export is one snapshot, always in the same order, so that two exports can be compared. It contains the addresses of members,
but no key, token or hash; configurations contain references instead of secrets. Fields have their names from GraphQL; fields
without a value are omitted.

Examples:

  tenant-registry export --out registry.yaml
  tenant-registry export --tenant acme-corp`;

/** YAML 1.1 and 1.2 must read the same values, so texts such as no, 1.50 or 2026-01-31 are quoted. */
const unsafe = new RegExp(`(?!\\n)${steering.source}`, 'u');

const format = { compat: 'yaml-1.1', lineWidth: 0, aliasDuplicateObjects: false } as const;

/** As YAML in which no text steers a terminal: such texts are quoted, and their characters escaped. */
function toYaml(value: unknown): string {
  const document = new Document(value, format);
  visit(document, {
    Scalar(_key, scalar) {
      if (typeof scalar.value === 'string' && unsafe.test(scalar.value)) scalar.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString(format).replace(new RegExp(unsafe, 'gu'), (found) => {
    const code = found.codePointAt(0) ?? 0;
    return `\\U${code.toString(16).padStart(8, '0')}`;
  });
}

async function run(options: { tenant?: string; out?: string }): Promise<void> {
  const secrets: string[] = [];
  await withApp(
    (app, caller) =>
      withOutput(options.out, async (write) => {
        let isEmpty = true;
        await exportRegistry(app.commandsFor(caller), {
          tenant: options.tenant,
          onBegin: ({ revision, modules }) =>
            write(`version: 1\nrevision: ${revision}\n${list('modules', modules.map(withoutNulls))}`),
          onTenant: (tenant) => {
            const { settings, branding, members, subscriptions, config, ...profile } = tenant;
            const item = {
              ...withoutNulls(profile),
              ...(settings && { settings: withoutNulls(settings) }),
              ...(branding && { branding: withoutNulls(branding) }),
              // A null in a configuration has a meaning, so it is kept.
              config,
              members: members.map(withoutNulls),
              subscriptions: subscriptions.map(withoutNulls),
            };
            const title = isEmpty ? 'tenants:\n' : '';
            isEmpty = false;
            return write(`${title}${toYaml([item])}`);
          },
          onSecret: (slug, path) => secrets.push(`Tenant ${slug}: ${path} looks like a secret`),
        });
        if (isEmpty) await write('tenants: []\n');
      }),
    { readOnly: true },
  );
  if (secrets.length === 0) return;
  process.exitCode = 1;
  for (const secret of secrets)
    process.stderr.write(`${oneLine(secret)} and was left out: replace it by a reference\n`);
}

function list(name: string, items: readonly object[]): string {
  return items.length === 0 ? `${name}: []\n` : `${name}:\n${toYaml(items)}`;
}

/** Leaves out null fields and writes dates as text. */
function withoutNulls(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, value instanceof Date ? value.toISOString() : value]),
  );
}

type Write = (text: string) => Promise<void>;

/** Writes to standard output, or to a file that exists only when it is complete. */
async function withOutput(file: string | undefined, work: (write: Write) => Promise<void>): Promise<void> {
  if (file === undefined) return work(writer(process.stdout)).catch(endQuietly);
  const unfinished = `${file}.${process.pid}.unfinished`;
  const stream = createWriteStream(unfinished, { mode: 0o600, flags: 'wx' });
  try {
    await once(stream, 'open');
    await work(writer(stream));
    stream.end();
    await finished(stream);
    await rename(unfinished, file);
  } catch (error) {
    stream.destroy();
    await rm(unfinished, { force: true });
    const isOfFile = error === stream.errored || (error instanceof Error && 'dest' in error);
    if (!isOfFile || !(error instanceof Error)) throw error;
    throw invalidField(
      '--out',
      `${file} cannot be written (${'code' in error ? error.code : error.message})`,
    );
  }
}

/** Waits for the reader of the stream, so that a large registry does not pile up in memory. */
function writer(stream: Writable): Write {
  let broken: unknown;
  stream.on('error', (error) => {
    broken = error;
  });
  return (text) =>
    new Promise((resolve, reject) => {
      if (broken) return reject(broken);
      stream.write(text, (error) => (error ? reject(error) : resolve()));
    });
}

/** A reader such as head closes the pipe early; that is no problem to report. */
function endQuietly(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EPIPE')) throw error;
  process.exitCode = 1;
}
