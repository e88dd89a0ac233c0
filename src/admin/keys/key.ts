import type { KeysQuery } from '../generated/graphql.js';

/** A key as the list reads it. */
export type Key = KeysQuery['apiKeys']['edges'][number]['node'];

/** A key and the secret that is shown once. */
export interface NewSecret {
  name: string;
  secret: string | null;
}
