import type { Property } from '../properties.js';
import type { State, World } from '../state.js';
import type { Move } from './words.js';

/** One state, and whoever takes what can become of it. */
export interface Step {
  readonly world: World;
  readonly from: State;
  /** A copy to be changed and given to `take`, before the next one is asked for. */
  copy(): State;
  take(
    to: State,
    move: Move,
    about?: { replica?: number; point?: number; broken?: Property | undefined },
  ): void;
}
