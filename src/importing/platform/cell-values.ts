/** Reads the texts of cells as values. Pure. */
import type { z } from 'zod';
import { findSecret } from '../../registry/values/secret-detector.js';

/** A value, or why the text is none. */
export type Read<T> = { value: T } | { problem: string };

const words: Readonly<Record<'true' | 'false', readonly string[]>> = {
  true: ['true', 't', 'yes', 'y', 'on', '1', 'active', 'enabled', 'live'],
  false: ['false', 'f', 'no', 'n', 'off', '0', 'inactive', 'disabled'],
};

export function readFlag(text: string): boolean | undefined {
  const word = text.toLowerCase();
  if (words.true.includes(word)) return true;
  return words.false.includes(word) ? false : undefined;
}

/** Reads 10, and 10.00 as a numeric column prints it. */
export function readWhole(text: string): Read<number> {
  const match = /^([+-]?\d{1,15})(?:\.0*)?$/.exec(text);
  return match ? { value: Number(match[1]) } : { problem: 'is not a whole number' };
}

/** A time as PostgreSQL prints it in ISO style; one without a zone is UTC. */
const timeForm = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?(Z|[+-]\d{2}(?::?\d{2})?)?$/;

export function readTime(text: string, now: Date): Read<Date> {
  const match = timeForm.exec(text);
  const zone = match?.[3] ?? 'Z';
  const minutes = zone.length === 3 ? `${zone}:00` : zone;
  const time = match && new Date(`${match[1]}T${match[2] ?? '00:00'}${minutes}`);
  if (!time || Number.isNaN(time.getTime())) return { problem: 'is not a date' };
  if (time.getUTCFullYear() < 1970) return { problem: 'is before 1970' };
  return time > now ? { problem: 'is in the future' } : { value: time };
}

/** As the schema accepts it. */
export function readBy<T extends z.ZodType>(schema: T, input: unknown): Read<z.output<T>> {
  const parsed = schema.safeParse(input);
  return parsed.success
    ? { value: parsed.data }
    : { problem: parsed.error.issues.map(({ message }) => message).join(', ') };
}

const longestQuote = 60;

/** The text for a message. A text that may be a secret is not repeated. */
export function quote(text: string): string {
  if (findSecret('', text) !== undefined) return 'the value';
  const short = [...text].length > longestQuote ? `${[...text].slice(0, longestQuote).join('')}…` : text;
  return JSON.stringify(short);
}
