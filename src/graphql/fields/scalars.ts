import { GraphQLError } from 'graphql';
import { z } from 'zod';
import { scopeList } from '../../auth/permissions.js';
import { builder } from '../builder.js';

/** Date and time of RFC 3339; digits beyond milliseconds are cut off. */
const moment = z.iso.datetime({ offset: true });

builder.scalarType('DateTime', {
  description:
    'Date and time in ISO 8601 with time zone, such as `2026-03-01T09:30:00.000Z`. Input may leave out the ' +
    'milliseconds, or have more digits.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time',
  serialize: (value) => value.toISOString(),
  parseValue: (value) => {
    const { data: text } = moment.safeParse(typeof value === 'string' ? value.toUpperCase() : value);
    if (text === undefined)
      throw new GraphQLError('DateTime must be an ISO 8601 moment such as 2026-03-01T09:30:00Z');
    return new Date(text);
  },
});

builder.scalarType('JSON', {
  description: 'Any JSON value.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259',
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

builder.scalarType('Scope', {
  description: `Permission of an API key or token: ${scopeList}.`,
  serialize: (value) => value,
  // The command refuses unknown scopes: it lists all of them as fields, and other mutations of the request run.
  parseValue: (value) => {
    if (typeof value !== 'string') throw new GraphQLError('Scope must be a text such as registry:read');
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
