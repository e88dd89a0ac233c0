import { afterAll, afterEach, beforeEach } from 'vitest';
import { clearFile, clearTest } from './leftovers.js';
import { promiseSeed } from './seed.js';

beforeEach(promiseSeed);
afterEach(clearTest);
afterAll(clearFile);
