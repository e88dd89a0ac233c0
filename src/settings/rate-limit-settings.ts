import { type Setting, wholeNumber } from './setting.js';

/** Environment variables about what callers may ask in a minute. */
export const rateLimitSettings = {
  RATE_FAILED_AUTHENTICATIONS: {
    default: '30',
    ...wholeNumber(0, 1_000_000),
    meaning:
      'Failed authentications per address and minute, after which unknown credentials from there are refused. 0: no limit.',
  },
  RATE_DOCUMENT_MS: {
    default: '50',
    ...wholeNumber(0, 10_000),
    meaning:
      'Milliseconds of a gateway’s event loop, per caller and 10 seconds, for GraphQL requests that are refused before they are executed. ' +
      'Then the caller can send only documents that the gateway knows. 0: no limit.',
  },
  RATE_MUTATIONS: {
    default: '6000',
    ...wholeNumber(0, 100_000_000),
    meaning: 'Mutations per caller and minute, by GraphQL and REST together. 0: no limit.',
  },
  RATE_RESOLUTIONS: {
    default: '0',
    ...wholeNumber(0, 100_000_000),
    meaning: 'Resolved routes per caller and second. 0: no limit.',
  },
  RATE_TENANT_RESOLUTIONS: {
    default: '0',
    ...wholeNumber(0, 100_000_000),
    meaning: 'Resolved routes per tenant and second, of all callers together. 0: no limit.',
  },
} as const satisfies Record<string, Setting>;
