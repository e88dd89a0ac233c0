import type { RateSettings } from '../../src/settings/rate-settings.js';

/** Tests send more wrong keys from one address than a gateway should accept. */
export const noRates: RateSettings = {
  failedAuthenticationsPerMinute: undefined,
  documentMsPer10Seconds: undefined,
  mutationsPerMinute: undefined,
  resolutionsPerSecond: undefined,
  tenantResolutionsPerSecond: undefined,
};
