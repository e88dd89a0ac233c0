import type { TenantRegistryErrorCode } from './error.js';
import type { RouteFragment } from './generated/operations.js';

/**
 * Where a tenant's data of the module is: `schemaName` is unquoted; `searchPath` is quoted, ready for
 * `SET LOCAL search_path = …`; `generation` is what the fence asks for, and `revision` that of the registry when it was read.
 */
export interface TenantRoute extends RouteFragment {
  /** true: from before an outage of the registry, and no longer proven. Only the fence makes it safe to use. */
  readonly isStale: boolean;
}

/** Why there is no route. */
interface Refusal {
  readonly code: TenantRegistryErrorCode;
  readonly message: string;
}

/** What the registry says of a tenant: a route or a refusal. */
export type Resolution = TenantRoute | Refusal;

/** A configuration as the registry keeps it; secrets in it are references. */
export type StoredConfig = Readonly<Record<string, unknown>>;

/** What is known of a tenant, with its configuration where that was asked for. */
export interface Finding {
  readonly resolution: Resolution;
  readonly config?: StoredConfig | undefined;
}

export function isRoute(resolution: Resolution): resolution is TenantRoute {
  return 'schemaName' in resolution;
}

/** A point in the registry's history. The epoch says which history. */
export interface Revision {
  readonly epoch: string;
  readonly number: number;
}

export function formatRevision({ epoch, number }: Revision): string {
  return `${epoch}:${number}`;
}

/** Throws when the text is no revision. */
export function readRevision(text: string): Revision {
  const at = text.indexOf(':');
  const number = Number(text.slice(at + 1));
  if (at < 1 || !Number.isSafeInteger(number)) throw new Error(`"${text}" is no revision`);
  return { epoch: text.slice(0, at), number };
}
