import { escapeIdentifier } from 'pg';

/**
 * PostgreSQL silently cuts longer names to this many bytes, and the result may be the name of another tenant's schema.
 */
const maxNameBytes = 63;

/**
 * Quotes the name of a schema, database or role for SQL. Every name in SQL text goes through this function; throws
 * RangeError for a name that PostgreSQL would cut.
 */
export function identifier(name: string): string {
  if (name === '' || name.includes('\0') || Buffer.byteLength(name) > maxNameBytes)
    throw new RangeError(`A PostgreSQL name must have 1 to ${maxNameBytes} bytes and no NUL`);
  return escapeIdentifier(name);
}
