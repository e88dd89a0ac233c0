import { RegistryError } from '../errors.js';

/** A limit: at most `quota` uses in a window. */
export interface RateRule {
  /** Names the limit in headers and in Redis. */
  name: string;
  quota: number;
  windowSeconds: number;
}

/** How much of a limit a caller has left. */
export interface RateState {
  rule: RateRule;
  remaining: number;
  /** Time until the window ends and the quota is whole again. */
  resetSeconds: number;
}

/** RATE_LIMITED, with the state for headers. */
export class RateLimited extends RegistryError {
  readonly state: RateState;

  constructor(state: RateState, subject: string) {
    const { quota, windowSeconds } = state.rule;
    super(
      'RATE_LIMITED',
      `${subject}: at most ${quota} in ${windowSeconds} s; ask again in ${state.resetSeconds} s`,
    );
    this.state = state;
  }

  override get retryAfterMs(): number {
    return this.state.resetSeconds * 1_000;
  }
}

/** The fields of draft-ietf-httpapi-ratelimit-headers, and Retry-After where the request was refused. */
export function rateHeaders({ rule, remaining, resetSeconds }: RateState, isRefused: boolean) {
  const { name, quota, windowSeconds } = rule;
  return {
    'ratelimit-policy': `"${name}";q=${quota};w=${windowSeconds}`,
    ratelimit: `"${name}";r=${remaining};t=${resetSeconds}`,
    ...(isRefused && { 'retry-after': String(resetSeconds) }),
  };
}
