import type { Property } from '../properties.js';
import type { Model, State } from '../state.js';
import type { Move } from './words.js';

/** One state, with the receiver of its successors. */
export interface Step {
  readonly model: Model;
  readonly from: State;
  /** Returns a copy of the state, to be changed and passed to `take` before the next copy is requested. */
  copy(): State;
  take(
    to: State,
    move: Move,
    about?: { replica?: number; point?: number; broken?: Property | undefined },
  ): void;
}
