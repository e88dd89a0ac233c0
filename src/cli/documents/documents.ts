import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import {
  addTrustedDocuments,
  documentIdOf,
  listTrustedDocuments,
  removeTrustedDocuments,
} from '../../registry/access/trusted-documents.js';
import { oneLine } from '../terminal/printable.js';
import { print, withApp } from '../with-app.js';
import { DocumentFileError, readDocumentFile } from './document-file.js';

export function addDocuments(program: Command): void {
  const documents = program
    .command('documents')
    .description(
      'Manage registered GraphQL documents, the only ones that most callers may send with TRUSTED_DOCUMENTS=required.',
    );
  documents
    .command('add <file...>')
    .description(
      'Register documents from .graphql files and JSON manifests of ids and texts, and print their ids.',
    )
    .option('--json', 'print a JSON array of ids')
    .action(addFiles);
  documents
    .command('list')
    .description('List the registered documents.')
    .option('--json', 'print a JSON array')
    .action(printDocuments);
  documents
    .command('remove <id...>')
    .description('Remove documents: callers without the scope documents:any cannot send them any more.')
    .action(removeDocuments);
}

async function addFiles(files: string[], { json }: { json?: true }): Promise<void> {
  const read = await Promise.all(files.map(async (file) => readDocumentFile(file, await readFile(file))));
  const texts = [...new Set(read.flat())];
  await requireValid(texts);
  await withApp(async (app, caller) => {
    const added = await addTrustedDocuments(app.commandsFor(caller), texts);
    const ids = texts.map(documentIdOf);
    if (json) return print(JSON.stringify(ids));
    for (const [at, text] of texts.entries()) print(`${ids[at]}  ${nameOf(text)}`);
    print(`${added} of ${texts.length} documents are new.`);
  });
}

/** Refuses documents that no gateway of this version would execute. */
async function requireValid(texts: readonly string[]): Promise<void> {
  // Loaded here, because the schema takes longer to load than other commands to run.
  const [{ parse, validate }, { schema }] = await Promise.all([
    import('graphql'),
    import('../../graphql/schema.js'),
  ]);
  for (const text of texts) {
    const problems = (() => {
      try {
        return validate(schema, parse(text)).map(({ message }) => message);
      } catch (error) {
        return [(error as Error).message];
      }
    })();
    if (problems.length > 0) throw new DocumentFileError(`${nameOf(text)}: ${problems.join('; ')}`);
  }
}

async function printDocuments({ json }: { json?: true }): Promise<void> {
  await withApp(async (app) => {
    const documents = await listTrustedDocuments(app);
    if (json) return print(JSON.stringify(documents));
    if (documents.length === 0)
      return print(
        'No documents are registered besides those of the client package; "documents add" registers some.',
      );
    for (const { id, body, addedAt } of documents) print(`${id}  ${addedAt.toISOString()}  ${nameOf(body)}`);
  });
}

async function removeDocuments(ids: string[]): Promise<void> {
  await withApp(async (app) => {
    const removed = await removeTrustedDocuments(app, ids);
    for (const id of removed) print(`Document ${id} is removed.`);
    const missing = ids.filter((id) => !removed.includes(id));
    if (missing.length > 0)
      throw new Error(
        `No registered document has the id ${missing.join(', ')}: "documents list" shows the ids`,
      );
  });
}

/** The first operation of a document, for people. */
function nameOf(text: string): string {
  const [, name] = /\b((?:query|mutation|subscription)\s+\w+)/.exec(text) ?? [];
  return oneLine(name ?? text.trim().slice(0, 60));
}
