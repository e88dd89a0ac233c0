import { readInput } from '../../registry/input.js';
import { configObject } from './tenant-config.js';

/** Reads the part of a configuration that a filter asks for, and returns it as JSON. Throws VALIDATION_ERROR. */
export function readConfigCondition(config: unknown): string | undefined {
  return config === undefined || config === null
    ? undefined
    : JSON.stringify(readInput(configObject, config));
}
