import { errorTexts } from '../generated/registry-facts.js';

export interface GraphqlError {
  message: string;
  path?: (string | number)[];
  extensions?: {
    code?: string;
    fields?: { field: string; message: string }[];
    retryable?: boolean;
    retryAfterMs?: number;
    requestId?: string;
  };
}

/** A refusal by the gateway, or no answer. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  readonly fields: readonly { field: string; message: string }[];
  readonly requestId: string | undefined;
  readonly isRetryable: boolean;
  readonly retryAfterMs: number;

  constructor(code: string, message: string, details: GraphqlError['extensions'] = {}, requestId?: string) {
    super(message);
    this.code = code;
    this.fields = details.fields ?? [];
    this.requestId = details.requestId ?? requestId;
    this.isRetryable = details.retryable === true;
    this.retryAfterMs = details.retryAfterMs ?? 1_000;
  }

  static of(error: GraphqlError | undefined, requestId: string | undefined): ApiError {
    const { message = 'The gateway gave no reason', extensions } = error ?? {};
    return new ApiError(extensions?.code ?? 'INTERNAL_SERVER_ERROR', message, extensions, requestId);
  }

  /** What the user can do about it. */
  get remedy(): string {
    if (this.code === 'CONNECTION_LOST')
      return 'The page tries again by itself. Nothing that you have typed is lost.';
    if (this.code === 'INTERNAL_SERVER_ERROR')
      return 'Look for the request id in the log of the gateway: the line has the cause.';
    return errorTexts[this.code]?.action ?? 'Correct what the message names, and try again.';
  }
}

export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError('PAGE_ERROR', error instanceof Error ? error.message : String(error));
}
