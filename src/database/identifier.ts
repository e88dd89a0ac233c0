import { escapeIdentifier } from 'pg';

/** Bytes that PostgreSQL keeps of a name; it cuts longer ones silently, onto somebody else's. */
const maxNameBytes = 63;

/** The one way to put a schema, database or role name into SQL: quoted, and refused where it would be cut. */
export function identifier(name: string): string {
  if (name === '' || name.includes('\0') || Buffer.byteLength(name) > maxNameBytes)
    throw new RangeError(`A PostgreSQL name must have 1 to ${maxNameBytes} bytes and no NUL`);
  return escapeIdentifier(name);
}
