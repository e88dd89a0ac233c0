import { describe } from 'vitest';
import { testRandomHistories } from './support/random-histories.js';

describe('random histories of three gateways', () => {
  testRandomHistories(2_000);
});
