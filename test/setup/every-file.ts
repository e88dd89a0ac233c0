import { afterAll, afterEach } from 'vitest';
import { clearFile, clearTest } from './leftovers.js';

afterEach(clearTest);
afterAll(clearFile);
