export { TenantRegistryError, type TenantRegistryErrorCode } from './error.js';
export type { TenantChange } from './knowledge.js';
export type { TenantRegistryOptions } from './options.js';
export type { TenantRoute } from './route.js';
export { createTenantRegistry, type TenantRegistry, type TenantRegistryEvents } from './tenant-registry.js';
