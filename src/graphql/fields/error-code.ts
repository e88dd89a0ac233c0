import { type ErrorCode, errorTable } from '../../errors.js';
import { builder } from '../builder.js';

export const ErrorCodeType = builder.enumType('ErrorCode', {
  description:
    'Code of an expected failure, as in `extensions.code` of errors. Later versions add codes, so clients need a case for ' +
    'unknown ones.',
  // The same codes as in errors, by construction.
  values: Object.fromEntries(
    Object.entries(errorTable).map(([code, { meaning }]) => [code, { description: meaning }]),
  ) as Record<ErrorCode, { description: string }>,
});

/** A code in a row; null for one that a later version wrote. */
export function readErrorCode(code: string | null): ErrorCode | null {
  return code !== null && Object.hasOwn(errorTable, code) ? (code as ErrorCode) : null;
}
