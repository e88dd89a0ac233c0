import { createHash } from 'node:crypto';

/** A page or one of its files, with its compressed forms. */
export interface CompressedFile {
  /** With `etag`. */
  headers: Record<string, string>;
  plain: Buffer;
  br: Buffer | Promise<Buffer>;
  gzip: Buffer | Promise<Buffer>;
}

/** Headers of a request for a file. */
export interface FileRequest {
  acceptEncoding: string | undefined;
  ifNoneMatch: string | undefined;
}

export interface FileAnswer {
  status: 200 | 304;
  headers: Record<string, string>;
  body?: Buffer;
}

export function etagOf(content: Buffer): string {
  return `"${createHash('sha256').update(content).digest('base64url')}"`;
}

/** The file in the smallest form that the client accepts, or 304 when it has the file already. */
export async function answerFile(
  file: CompressedFile,
  { acceptEncoding, ifNoneMatch }: FileRequest,
): Promise<FileAnswer> {
  const { headers } = file;
  // A proxy that compresses anew marks the tag as weak: W/"…".
  if (headers.etag && ifNoneMatch?.includes(headers.etag)) return { status: 304, headers };
  const encoding = (['br', 'gzip'] as const).find((name) => accepts(acceptEncoding, name));
  if (!encoding) return { status: 200, headers, body: file.plain };
  return { status: 200, headers: { ...headers, 'content-encoding': encoding }, body: await file[encoding] };
}

/** Whether Accept-Encoding names the encoding, and not with the quality 0. */
function accepts(header: string | undefined, encoding: string): boolean {
  return (header ?? '').split(',').some((part) => {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    return name === encoding && !parameters.some((parameter) => /^q\s*=\s*0(\.0*)?$/.test(parameter));
  });
}
