import type { NumberSetting } from './settings.js';

/** Quotas; undefined: no limit. */
export interface RateSettings {
  failedAuthenticationsPerMinute: number | undefined;
  documentMsPer10Seconds: number | undefined;
  mutationsPerMinute: number | undefined;
  resolutionsPerSecond: number | undefined;
  tenantResolutionsPerSecond: number | undefined;
}

export function readRates(read: (name: NumberSetting) => number): RateSettings {
  return {
    failedAuthenticationsPerMinute: read('RATE_FAILED_AUTHENTICATIONS') || undefined,
    documentMsPer10Seconds: read('RATE_DOCUMENT_MS') || undefined,
    mutationsPerMinute: read('RATE_MUTATIONS') || undefined,
    resolutionsPerSecond: read('RATE_RESOLUTIONS') || undefined,
    tenantResolutionsPerSecond: read('RATE_TENANT_RESOLUTIONS') || undefined,
  };
}
