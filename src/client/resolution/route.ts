import type { TenantRegistryErrorCode } from '../error.js';
import type { RouteFragment } from '../generated/operations.js';

/**
 * The location of a tenant's data of the module. `schemaName` is unquoted; `searchPath` is quoted, ready for `SET
 * LOCAL search_path = …`; `generation` is checked by the fence; `revision` is the registry's revision at the time of
 * the read.
 */
export interface TenantRoute extends RouteFragment {
  /**
   * true when the route was read before an outage and is no longer proven current. Only the fence makes it safe to
   * use.
   */
  readonly isStale: boolean;
}

/** The reason why there is no route. */
interface Refusal {
  readonly code: TenantRegistryErrorCode;
  readonly message: string;
}

/** The registry's answer for a tenant: a route or a refusal. */
export type Resolution = TenantRoute | Refusal;

/** A configuration as the registry stores it; secrets are references. */
export type StoredConfig = Readonly<Record<string, unknown>>;

/** A resolution, with the configuration if it was requested. */
export interface Finding {
  readonly resolution: Resolution;
  readonly config?: StoredConfig | undefined;
}

export function isRoute(resolution: Resolution): resolution is TenantRoute {
  return 'schemaName' in resolution;
}

/** A point in the registry's history; the epoch identifies the history. */
export interface Revision {
  readonly epoch: string;
  readonly number: number;
}

export function formatRevision({ epoch, number }: Revision): string {
  return `${epoch}:${number}`;
}

/** Throws when the text is not a revision. */
export function readRevision(text: string): Revision {
  if (!isRevision(text)) throw new Error(`"${text}" is not a revision`);
  const at = text.indexOf(':');
  return { epoch: text.slice(0, at), number: Number(text.slice(at + 1)) };
}

export function isRevision(text: string): boolean {
  const at = text.indexOf(':');
  return at > 0 && Number.isSafeInteger(Number(text.slice(at + 1)));
}
