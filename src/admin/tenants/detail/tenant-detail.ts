import type { TenantQuery } from '../../generated/graphql.js';

/** A tenant as its screen reads it. */
export type TenantDetail = NonNullable<TenantQuery['tenant']>;
