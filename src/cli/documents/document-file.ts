import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { documentIdOf } from '../../registry/access/trusted-documents.js';

/** A file of documents cannot be used; the message says why. */
export class DocumentFileError extends Error {
  override readonly name = 'DocumentFileError';
}

/** GraphQL Code Generator and Relay write a map of ids and texts, Apollo a list of operations. */
const Manifest = z.union([
  z.object({ operations: z.array(z.object({ id: z.string(), body: z.string() })) }),
  z.record(z.string(), z.string()),
]);

/** The documents in a .graphql file, which is one, or in a JSON manifest, whose ids must be SHA-256 hashes. */
export function readDocumentFile(file: string, bytes: Buffer): string[] {
  if (!isUtf8(bytes)) throw new DocumentFileError(`${file} is not UTF-8: save it with that encoding`);
  const content = bytes.toString();
  if (!file.endsWith('.json')) return [content.trim()];
  const { data } = Manifest.safeParse(readJson(file, content));
  if (!data)
    throw new DocumentFileError(
      `${file} is no manifest of documents: expected {"<id>": "<text>"} or {"operations": [{"id", "body"}]}`,
    );
  const entries = isOperations(data)
    ? data.operations.map(({ id, body }) => [id, body] as const)
    : Object.entries(data);
  for (const [id, text] of entries)
    if (id.replace(/^sha256:/, '') !== documentIdOf(text))
      throw new DocumentFileError(
        `${file}: the id "${id.slice(0, 80)}" is not the SHA-256 hash of its text; create the manifest with that algorithm`,
      );
  return entries.map(([, text]) => text);
}

function isOperations(
  data: z.output<typeof Manifest>,
): data is { operations: { id: string; body: string }[] } {
  return Array.isArray(data.operations);
}

function readJson(file: string, content: string): unknown {
  try {
    return JSON.parse(content);
  } catch (error) {
    throw new DocumentFileError(`${file} is not JSON: ${(error as Error).message}`);
  }
}
