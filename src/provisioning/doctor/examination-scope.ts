import type { References } from './structure/reference.js';

/** The modules and tenants that an examination is about. */
export interface ExaminationScope {
  hasModule(name: string): boolean;
  /** The modules in scope; null: all. */
  modules: readonly string[] | null;
  /** The only tenant in scope; null: all are. */
  tenantId: string | null;
  /** Whether the caller named modules; else all are in scope. */
  namesModules: boolean;
  hasTenant(tenant: { tenantId: string | null }): boolean;
  /** Whether all tenants are in scope. Only then is storage without a tenant looked for. */
  isWhole: boolean;
  /** Where the references of structures are kept during the run; undefined: structures are not compared. */
  references: References | undefined;
  /** Gets the storages, by their places, whose structures could not be read because somebody changes them. */
  skipped: Set<string>;
}

/** The place of a storage in `skipped`. */
export function placeOf({ module, tenantId }: { module: string; tenantId: string }): string {
  return `${module}/${tenantId}`;
}
