import type { UsageRecordInput } from '../generated/operations.js';

export type UsageMetric = UsageRecordInput['metric'];

/** Usage of one metric by a tenant. */
export interface TenantUsage {
  metric: UsageMetric;
  used: number;
  limit: number;
  remaining: number;
  /** Start and end of the month in the time zone of the tenant; null for a metric without periods. */
  periodStart: Date | null;
  periodEnd: Date | null;
  /** true when the record had been counted before under its idempotency key. */
  isRepeated: boolean;
}

export interface RecordUsageOptions {
  /**
   * Text that names what is counted, such as the id of a quote. A second call with the same key within 24 hours is not counted again.
   * Without it, only the repetitions that the client makes itself are recognised.
   */
  idempotencyKey?: string;
}

/** Amount that is to be counted. */
export interface UsageRecord extends RecordUsageOptions {
  tenantId: string;
  metric: UsageMetric;
  amount: number;
}
