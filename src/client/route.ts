import type { TenantRegistryErrorCode } from './error.js';

/** Where a tenant's data of the module is. */
export interface TenantRoute {
  readonly tenantId: string;
  readonly tenantSlug: string;
  readonly module: string;
  /** Unquoted. */
  readonly schemaName: string;
  /** Quoted, ready for `SET LOCAL search_path = …`. */
  readonly searchPath: string;
  readonly databaseName: string;
  readonly isolation: 'SCHEMA' | 'DATABASE';
  /** Which binding of the tenant to a place this is; the fence asks for it. */
  readonly generation: number;
  /** Revision of the registry at which it was read. */
  readonly revision: string;
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
