import type { GraphQLError, ResponsePath } from 'graphql';

/**
 * The errors of one execution. An error below a place that is null already is left out: that place is not in the answer.
 */
export class CollectedErrors {
  readonly all: GraphQLError[] = [];
  readonly #nulled = new Set<ResponsePath | undefined>();

  add(error: GraphQLError, path: ResponsePath | undefined): void {
    for (let at = path; at !== undefined; at = at.prev) if (this.#nulled.has(at)) return;
    if (this.#nulled.has(undefined)) return;
    this.#nulled.add(path);
    this.all.push(error);
  }
}
