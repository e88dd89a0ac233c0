export type { AdmissionOptions, CurrentTenant } from './admission.js';
export type { Entrance } from './entrance.js';
export { TenantRegistryError, type TenantRegistryErrorCode } from './error.js';
export type { TenantChange } from './knowledge.js';
export type { TenantRegistryOptions } from './options.js';
export type { OwnedPool, TenantClient, TenantPool } from './pool.js';
export type { TenantRoute } from './route.js';
export { createTenantRegistry, type TenantRegistry, type TenantRegistryEvents } from './tenant-registry.js';
export type { TransactionOptions } from './transaction.js';
