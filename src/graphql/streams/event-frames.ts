import type { ExecutionResult, GraphQLError } from 'graphql';

/** One piece of a stream: the frames of one or more events, or a result that is not a frame yet. */
export type StreamPiece = Uint8Array | ExecutionResult;

export function isFrames(piece: StreamPiece): piece is Uint8Array {
  return piece instanceof Uint8Array;
}

/** The first bytes of a stream, and what keeps its connection open afterwards. */
export const keepAliveFrame = ':\n\n';
export const completeFrame = 'event: complete\ndata:\n\n';

/** The event of Server-Sent Events for one result. */
export function eventFrame(result: ExecutionResult): string {
  const { errors, ...rest } = result;
  const body = errors ? { ...rest, errors: errors.map(withoutStatus) } : rest;
  return `event: next\ndata: ${JSON.stringify(body)}\n\n`;
}

/** A stream has an HTTP status already: those of its errors are left out. */
function withoutStatus(error: GraphQLError): unknown {
  const { extensions = {}, ...told } = error.toJSON();
  const { http: _, ...shown } = extensions;
  return Object.keys(shown).length > 0 ? { ...told, extensions: shown } : told;
}
