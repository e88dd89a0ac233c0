import { z } from 'zod';
import { invalidFields } from '../errors.js';
import { findSlugProblem, isUuid } from './slug.js';

/** Validates what came through a door; throws VALIDATION_ERROR that lists every field with its problem. */
export function readInput<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.flatMap((issue) =>
    // Of a strict object: each key that is not one of its fields, by its own name.
    (issue.code === 'unrecognized_keys' ? issue.keys : [undefined]).map((key) => ({
      field: [...issue.path, ...(key === undefined ? [] : [key])].map(String).join('.') || 'input',
      message: key === undefined ? issue.message : 'is not known here',
    })),
  );
  throw invalidFields(fields);
}

/** Text for people: no control, format or unassigned characters, no blank ends, 1 to `max` characters. */
export function text(max: number) {
  return (
    z
      .string({ error: 'must be text' })
      .trim()
      .min(1, 'must not be empty')
      // In characters, as PostgreSQL and JSON Schema count them; z.max counts an emoji twice.
      .refine((value) => [...value].length <= max, `must have at most ${max} characters`)
      .refine(
        (value) => !/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\u2028\u2029]/u.test(value),
        'must not hold control or invisible characters',
      )
      .meta({ maxLength: max })
  );
}

export const slug = z.string({ error: 'must be text' }).superRefine((value, context) => {
  const problem = findSlugProblem(value);
  if (problem) context.addIssue(problem);
});

/** A tenant's id or slug, as it was asked for. What is neither names no tenant. */
export const tenantReference = z
  .string()
  .min(1, 'must be a tenant id or slug')
  .max(100, 'must be a tenant id or slug');

export const uuid = z
  .string()
  .refine(isUuid, 'must be a UUID')
  .transform((value) => value.toLowerCase());

export const moduleName = z
  .string()
  .regex(
    /^[a-z][a-z0-9_]{0,30}$/,
    'must be 1 to 31 lower-case letters, digits and _, starting with a letter',
  );

export const moduleNames = z
  .array(moduleName, { error: 'must be a list of module names' })
  .min(1, 'must name at least one module')
  .max(50, 'must be at most 50');

export const email = z
  .string()
  .trim()
  .max(254, 'must have at most 254 characters')
  .pipe(z.email('must be an e-mail address'));

export const timezone = z
  .string()
  .max(50, 'must have at most 50 characters')
  .refine(isTimezone, 'must be an IANA time zone such as Africa/Johannesburg');

const currencies = new Set(Intl.supportedValuesOf('currency'));
export const currency = z
  .string()
  .refine((value) => currencies.has(value), 'must be an ISO 4217 code such as ZAR');

export const quota = z
  .int('must be a whole number')
  .min(0, 'must not be negative')
  .max(2_147_483_647, 'is too large');

/** A moment; GraphQL's DateTime and the command line hand over a Date. */
export const date = z.date({ error: 'must be a date such as 2027-01-31T00:00:00Z' });

/** For how long something is kept. */
export const days = z
  .int('must be a whole number')
  .min(1, 'must be 1 or more')
  .max(3650, 'must be at most 3650');

export function daysFromNow(count: number): Date {
  return new Date(Date.now() + count * 86_400_000);
}

export const expectedVersion = z.int('must be a whole number').min(1, 'must be 1 or more').optional();

/** Any text a client chose to recognise its own retry by. */
export const idempotencyKey = text(200).optional();

/** Whom the mutation waits for; the default is the command's. */
export const wait = z
  .enum(['COMMITTED', 'GATEWAYS', 'EVERYWHERE'], { error: 'must be COMMITTED, GATEWAYS or EVERYWHERE' })
  .optional();

/** For every field that a caller may leave out or give as null. */
export function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? undefined);
}

/** To ask costs a tenth of a millisecond. There are some hundred. */
const timezones = new Set<string>();

function isTimezone(value: string): boolean {
  if (timezones.has(value)) return true;
  try {
    const isOne = new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone !== '';
    // In small letters they are valid as well, in any number of spellings.
    if (isOne && timezones.size < 1_000) timezones.add(value);
    return isOne;
  } catch {
    return false;
  }
}
