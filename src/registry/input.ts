import { domainToASCII } from 'node:url';
import { z } from 'zod';
import { invalidFields } from '../errors.js';
import { findExternalIdProblem } from './external-id.js';
import { withoutJoiners } from './joiners.js';
import { findSlugProblem, isUuid } from './slug.js';
import { findSecret, findSecretForm } from './values/secret-detector.js';
import { requireStorable } from './values/storable-text.js';
import { canonicalTimeZone } from './values/time-zone.js';

/** Validates the input of a request; throws VALIDATION_ERROR that lists every field with its problem. */
export function readInput<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  requireStorable(input);
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.flatMap((issue) =>
    // A strict object reports each unknown key under its own name.
    (issue.code === 'unrecognized_keys' ? issue.keys : [undefined]).map((key) => ({
      field: [...issue.path, ...(key === undefined ? [] : [key])].map(String).join('.') || 'input',
      message: key === undefined ? issue.message : 'is not a known field',
    })),
  );
  throw invalidFields(fields);
}

/** Names: as plainText, without what has the form of a secret. Generated names look random and are accepted. */
export function text(max: number) {
  return withoutSecrets(max, findSecretForm);
}

/** Reasons and descriptions: as text, and also without what looks like a random key. */
export function prose(max: number) {
  return withoutSecrets(max, (value) => findSecret('', value));
}

/** These texts are stored in plain and shown to people. The message does not repeat the text. */
function withoutSecrets(max: number, find: (value: string) => string | undefined) {
  return plainText(max)
    .superRefine((value, context) => {
      const looksLike = find(value);
      if (looksLike !== undefined)
        context.addIssue(`looks like it holds ${looksLike}: secrets are not stored here, so leave it out`);
    })
    .meta({ maxLength: max });
}

/**
 * Text that is not stored for people, such as a search or an idempotency key: no control, format or unassigned
 * characters but those that writing needs, no blanks at its ends, 1 to `max` characters.
 */
export function plainText(max: number) {
  return (
    z
      .string({ error: 'must be text' })
      .trim()
      .min(1, 'must not be empty')
      // Counts characters as PostgreSQL and JSON Schema do; z.max counts an emoji twice.
      .refine((value) => [...value].length <= max, `must have at most ${max} characters`)
      .refine(
        (value) => !/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\u2028\u2029]/u.test(withoutJoiners(value)),
        'must not hold control or invisible characters',
      )
      .meta({ maxLength: max })
  );
}

export const slug = z.string({ error: 'must be text' }).superRefine((value, context) => {
  const problem = findSlugProblem(value);
  if (problem) context.addIssue(problem);
});

export const externalId = z.string({ error: 'must be text' }).superRefine((value, context) => {
  const problem = findExternalIdProblem(value);
  if (problem) context.addIssue(problem);
});

const notAReference = 'must be a tenant id, slug or external id';

/** A tenant's id, slug or external id, as the caller gave it. A text that is none of them finds no tenant. */
export const tenantReference = z.string().min(1, notAReference).max(100, notAReference);

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

/** As zod's own pattern, and with top-level domains in punycode, which hold digits and hyphens. */
const emailPattern =
  /^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9-]*\.)+([A-Za-z]{2,}|xn--[a-z0-9-]*[a-z0-9])$/;

/** The domain is stored in punycode, so that both spellings of an address are the same one. */
export const email = z
  .string()
  .trim()
  .overwrite(withAsciiDomain)
  .max(254, 'must have at most 254 characters')
  .pipe(z.email({ pattern: emailPattern, error: 'must be an e-mail address' }));

/** Returns an address without a domain where the domain is invalid, and other addresses as they are. */
function withAsciiDomain(address: string): string {
  const at = address.lastIndexOf('@') + 1;
  const domain = address.slice(at);
  // The characters that end the host of a URL, or are decoded in it, are in no domain.
  if (at === 0 || !/[^\0-\x7f]|xn--/i.test(domain) || /[\s/?#\\%:@[\]]/.test(domain)) return address;
  return address.slice(0, at) + domainToASCII(domain);
}

export const timezone = z
  .string()
  .max(50, 'must have at most 50 characters')
  .overwrite((value) => canonicalTimeZone(value) ?? value)
  .refine(
    (value) => canonicalTimeZone(value) !== undefined,
    'must be an IANA time zone such as Africa/Johannesburg',
  );

const currencies = new Set(Intl.supportedValuesOf('currency'));
export const currency = z
  .string()
  .refine((value) => currencies.has(value), 'must be an ISO 4217 code such as ZAR');

export const quota = z
  .int('must be a whole number')
  .min(0, 'must not be negative')
  .max(2_147_483_647, 'is too large');

/** A point in time. GraphQL's DateTime and the command line pass a Date. */
export const date = z.date({ error: 'must be a date such as 2027-01-31T00:00:00Z' });

/** A point in time in a condition: PostgreSQL and JavaScript disagree on years outside this range. */
export const moment = date.refine(
  (value) => value.getUTCFullYear() >= 1 && value.getUTCFullYear() <= 9999,
  'must be in a year from 1 to 9999',
);

/** The end of something that begins now. */
export const future = moment.refine((value) => value > new Date(), 'must be in the future');

/** A retention time in days. */
export const days = z
  .int('must be a whole number')
  .min(1, 'must be 1 or more')
  .max(3650, 'must be at most 3650');

export function daysFromNow(count: number): Date {
  return new Date(Date.now() + count * 86_400_000);
}

export const expectedVersion = z.int('must be a whole number').min(1, 'must be 1 or more').optional();

/** A text that the client chooses to make its retries recognisable. */
export const idempotencyKey = plainText(200).optional();

/** The point at which the mutation returns; each command has its default. */
export const wait = z
  .enum(['COMMITTED', 'GATEWAYS', 'EVERYWHERE'], { error: 'must be COMMITTED, GATEWAYS or EVERYWHERE' })
  .optional();

/** Makes a field that a caller may omit. Null is refused, because these values cannot be cleared. */
export function optional<T extends z.ZodType>(schema: T) {
  return schema
    .nullish()
    .refine((value) => value !== null, 'must not be null: omit it instead')
    .transform((value) => value ?? undefined);
}

/** Makes a field that can be cleared: an absent value leaves it unchanged, null clears it. */
export function clearable<T extends z.ZodType>(schema: T) {
  return schema.nullable().optional();
}

/** Makes an option of a call or a condition of a filter, which null omits: there is nothing that it could clear. */
export function omittable<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? undefined);
}
