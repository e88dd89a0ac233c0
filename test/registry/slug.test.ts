import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RegistryError } from '../../src/errors.js';
import { deriveSlug, findSlugProblem, isSlug, isUuid } from '../../src/registry/slug.js';

describe('a slug', () => {
  test.each([
    ...['ab', 'a1', 'acme', 'acme-corp', 'acme_corp', 'a-1_b-2', 'x'.repeat(40)],
    ...['pg-tips', 'pgx', 'select', 'null', 'public', 'deadbeef', 'deadbeef-dead-beef-dead'],
  ])('is %s', (text) => {
    expect(findSlugProblem(text)).toBeUndefined();
  });

  test.each([
    ...['', 'a', 'x'.repeat(41), '1a', '-a', '_a', 'a-', 'a_', 'a--b', 'a__b', 'a-_b', 'Acme', 'ACME'],
    ...[
      'a b',
      'a.b',
      'a/b',
      'a"b',
      "a'b",
      'a;b',
      'a,b',
      'a\\b',
      'a%b',
      'a\u0000b',
      'ab\n',
      '\nab',
      'ab\u2028',
    ],
    ...['аcme', 'acmé', 'ａｃｍｅ', 'acme\u200b', 'e\u0301a', 'pg_acme', 'pg_'],
    ...[
      'deadbeefdeadbeefdeadbeefdeadbeef',
      'deadbeef-dead-4bee-8ead-deadbeefdead',
      'a0000000-0000-0000-0000-000000000000',
    ],
    'deadbeef-deadbeef-deadbeef-deadbeef',
  ])('is not %j, and the problem is named', (text) => {
    expect(findSlugProblem(text)).toMatch(/^must /);
    expect(isSlug(text)).toBe(false);
  });

  test('is never a UUID, so that an id or slug is never both', () => {
    fc.assert(fc.property(fc.uuid(), (id) => isUuid(id) && isUuid(id.toUpperCase()) && !isSlug(id)));
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => !(isUuid(text) && isSlug(text))),
      { numRuns: 1000 },
    );
  });

  test('is plain ASCII that fits a PostgreSQL name, for random texts', () => {
    const nearly = fc.stringMatching(/^[a-z0-9_-]{1,45}$/);
    fc.assert(
      fc.property(fc.oneof(nearly, fc.string({ unit: 'binary' })), (text) => {
        if (isSlug(text)) expect(text).toMatch(/^(?!pg_)[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$/);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a slug derived from a name', () => {
  test.each([
    ['Acme', 'acme'],
    ['Acme Corp.', 'acme-corp'],
    ['Café Müller & Co', 'cafe-muller-co'],
    ['Łódź'.replace('Ł', 'L'), 'lodz'],
    ["Rock 'n' Roll", 'rock-n-roll'],
    ['Joe’s Diner', 'joes-diner'],
    ['  many   blanks  ', 'many-blanks'],
    ['100% Pure'.replace('100% ', ''), 'pure'],
    ['A/B Testing', 'a-b-testing'],
    ['Ⅷ Rooms', 'viii-rooms'],
    ['Zürich 🇨🇭', 'zurich'],
    [`${'long '.repeat(10)}name`, 'long-long-long-long-long-long-long-long'],
  ])('%j is %j', (name, slug) => {
    expect(deriveSlug(name)).toBe(slug);
  });

  test.each([
    'аcme',
    'Αcme',
    'acmе',
    'ıstanbul',
    'Øresund',
    'Straße',
    'Łódź',
    '東京',
    'عربي',
    '٣ brothers',
    'acme\u200d',
  ])('is refused for %j, because letters outside a to z must not be dropped', (name) => {
    expect(() => deriveSlug(name)).toThrow(
      expect.objectContaining({
        code: 'VALIDATION_ERROR',
        fields: [{ field: 'slug', message: expect.any(String) }],
      }),
    );
  });

  test.each(['', '!', '🙂', 'A', '7 Seas', 'pg_stat'.replace('_', ' _'), 'deadbeefdeadbeefdeadbeefdeadbeef'])(
    'of %j is a slug or refused',
    (name) => {
      try {
        expect(isSlug(deriveSlug(name))).toBe(true);
      } catch (error) {
        expect(error).toMatchObject({ code: 'VALIDATION_ERROR' });
      }
    },
  );

  test('is a valid slug or refused, for random names', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), (name) => {
        try {
          return isSlug(deriveSlug(name));
        } catch (error) {
          return error instanceof RegistryError && error.code === 'VALIDATION_ERROR';
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('is the same slug with - for _ when the name is a slug', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z][a-z0-9]*([-_][a-z0-9]+)*$/, { maxLength: 60 }).filter(isSlug),
        (slug) => {
          const derived = slug.replaceAll('_', '-');
          if (isSlug(derived)) expect(deriveSlug(slug)).toBe(derived);
        },
      ),
    );
  });
});
