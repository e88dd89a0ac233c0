import type { TypedDocumentString } from '../generated/graphql.js';
import { graphqlUrl, pageConfig } from '../session/page-config.js';
import { currentCredential, wantLogin } from '../session/session.js';
import { ApiError } from './api-error.js';
import { reportConnection } from './connection.js';

interface Body {
  data?: unknown;
  errors?: { message: string; extensions?: { code?: string } }[];
}

interface RequestOptions {
  signal?: AbortSignal;
  /** The credential to try; default: the one of the session. */
  credential?: string | undefined;
  /** Throws UNAUTHENTICATED instead of waiting for a login. */
  isProbe?: boolean;
}

/**
 * Sends a document and returns its data. Throws an ApiError for every refusal, also of a single field. Where the credential has
 * expired it waits for the login, which opens over the page, and sends the same request again: what was typed is not lost.
 */
export async function request<Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
  options: RequestOptions = {},
): Promise<Result> {
  for (;;) {
    const credential = options.isProbe ? options.credential : currentCredential();
    if (credential === undefined && pageConfig.requiresLogin) {
      await wantLogin(undefined);
      continue;
    }
    const { body, requestId } = await post(document.toString().trim(), variables, credential, options.signal);
    const [error] = body.errors ?? [];
    if (error?.extensions?.code === 'UNAUTHENTICATED' && !options.isProbe) {
      await wantLogin(credential);
      continue;
    }
    if (error || body.data == null) throw ApiError.of(error, requestId);
    return body.data as Result;
  }
}

async function post(query: string, variables: unknown, credential: string | undefined, signal?: AbortSignal) {
  let response: Response;
  let body: Body;
  try {
    response = await fetch(graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...credentialHeader(credential) },
      body: JSON.stringify({ query, variables }),
      // Cookies are not used.
      credentials: 'omit',
      signal,
    });
    body = (await response.json()) as Body;
  } catch (error) {
    if (signal?.aborted) throw error;
    reportConnection(false);
    throw new ApiError('CONNECTION_LOST', 'The gateway does not answer');
  }
  // A gateway that is stopping, or a proxy without one, refuses without a code.
  if (response.status >= 502 && response.status <= 504 && !body.errors?.[0]?.extensions?.code) {
    reportConnection(false);
    throw new ApiError('CONNECTION_LOST', 'The gateway does not answer');
  }
  reportConnection(true);
  return { body, requestId: response.headers.get('x-request-id') ?? undefined };
}

export function credentialHeader(credential: string | undefined): Record<string, string> {
  return credential === undefined ? {} : { authorization: `Bearer ${credential}` };
}
