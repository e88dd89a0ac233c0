import { type Setting, wholeNumber } from './setting.js';

/** The environment variables about HTTP connections and addresses. */
export const httpSettings = {
  BASE_PATH: {
    default: 'none',
    expected: 'a path of letters, digits and the characters . _ ~ - such as /registry',
    meaning:
      'Path prefix under which clients reach the gateway through a proxy. It is part of all addresses in answers. Requests are served ' +
      'with the prefix and, for a proxy that removes it, without.',
  },
  CORS_ORIGINS: {
    default: 'none',
    expected:
      'origins separated by commas, each exactly as browsers send it, such as https://admin.example.com,http://localhost:5173; ' +
      'a path, a slash at the end and * are not accepted',
    meaning:
      'Origins of web pages of other sites that may use `/graphql` and `/api` from a browser (CORS). The pages send a key or token; ' +
      'cookies are not used. Where `AUTH_MODE` is `open`, these pages act as the local developer.',
  },
  KEEP_ALIVE_TIMEOUT_MS: {
    default: '75000',
    ...wholeNumber(1_000, 3_600_000),
    meaning:
      'How long an idle connection stays open, in milliseconds. It must be longer than the proxy or load balancer in front keeps idle ' +
      'connections, which is 60 s for most of them. A new connection has 5 s more to send a complete request.',
  },
} as const satisfies Record<string, Setting>;
