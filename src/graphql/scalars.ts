import { GraphQLError } from 'graphql';
import { builder } from './builder.js';

builder.scalarType('DateTime', {
  description: 'Date and time in ISO 8601 with time zone, such as `2026-03-01T09:30:00.000Z`.',
  serialize: (value) => value.toISOString(),
  parseValue: (value) => {
    const date = typeof value === 'string' ? new Date(value) : undefined;
    if (!date || Number.isNaN(date.getTime()))
      throw new GraphQLError('DateTime must be an ISO 8601 moment such as 2026-03-01T09:30:00Z');
    return date;
  },
});

builder.scalarType('JSON', {
  description: 'Any JSON value.',
  serialize: (value) => value,
});

builder.scalarType('ModuleName', {
  description: 'Name of a module: `^[a-z][a-z0-9_]{0,30}$`, such as `finance`.',
  serialize: (value) => value,
  parseValue: (value) => {
    if (typeof value !== 'string' || !/^[a-z][a-z0-9_]{0,30}$/.test(value))
      throw new GraphQLError(
        'ModuleName must be 1 to 31 lower-case letters, digits and _, starting with a letter',
      );
    return value;
  },
});

builder.scalarType('Revision', {
  description:
    'A point in the history of the registry, as an opaque token `<epoch>:<number>`. Mutations return it; ' +
    'a read with it as `minRevision` is at least that new.',
  serialize: (value) => value,
  parseValue: (value) => {
    if (typeof value !== 'string' || !/^[0-9a-f]{16}:\d{1,18}$/.test(value))
      throw new GraphQLError('Revision must be a token from a payload or an earlier answer');
    return value;
  },
});
