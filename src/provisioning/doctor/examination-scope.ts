/** The modules and tenants that an examination is about. */
export interface ExaminationScope {
  hasModule(name: string): boolean;
  /** Whether the caller named modules; else all are in scope. */
  namesModules: boolean;
  hasTenant(tenant: { tenantId: string | null }): boolean;
  /** Whether all tenants are in scope. Only then is storage without a tenant looked for. */
  isWhole: boolean;
}
