import { describe, expect, test } from 'vitest';
import { isAllowedName } from '../../src/client/config/secret-reference.js';
import {
  findNameProblem,
  findReferenceProblems,
  listOwnNames,
} from '../../src/profile/config/secret-reference.js';
import { readTenantConfig } from '../../src/profile/config/tenant-config.js';
import { strictConfigRules } from '../../src/registry/values/config-rules.js';
import { lookalikes, referenceCases } from './support/reference-cases.js';

const acme = { slug: 'acme', ...strictConfigRules };

/** A configuration with a value at a path. */
function configWith(place: string, value: unknown): object {
  return place.split('.').reduceRight<unknown>((below, key) => ({ [key]: below }), value) as object;
}

describe('a reference of a configuration', () => {
  test.each(referenceCases)(
    '$name at $place of $slug with secretNames $secretNames: allowed $isAllowed, in the registry and in the client',
    ({ name, place, isAllowed, slug = 'acme', secretNames = [] }) => {
      const scope = { slug, secretNames };
      expect(findNameProblem(name, place, scope) === undefined).toBe(isAllowed);
      expect(isAllowedName(name, place, scope)).toBe(isAllowed);
      const config = configWith(place, `\${${name}}`);
      const read = () => readTenantConfig(config, { ...strictConfigRules, ...scope });
      if (isAllowed) expect(read()).toEqual(config);
      else
        expect(read).toThrow(
          expect.objectContaining({
            code: 'VALIDATION_ERROR',
            fields: [expect.objectContaining({ field: place, message: expect.stringMatching(/^names /) })],
          }),
        );
    },
  );

  test('is refused with the reference to write instead', () => {
    const config = configWith('email.smtp.password', `\${DATABASE_URL}`);
    expect(() => readTenantConfig(config, acme)).toThrow(
      `email.smtp.password: names a variable that does not belong to this tenant: write \${ACME_…}, or let the operator add the name to SECRET_NAMES`,
    );
  });
});

describe('a lookalike of a reference', () => {
  const places = [
    'email.smtp.password',
    'email.smtp.username',
    'infrastructure.supabase.url',
    'infrastructure.gcp.project_id',
    'branding.email_signature',
    'banking.bank_name',
    'extensions.note',
    'extensions.deep.er.note',
  ];
  test.each(lookalikes)('%s is refused everywhere', (_, text) => {
    for (const place of places)
      expect(() => readTenantConfig(configWith(place, text), acme), place).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/VALIDATION_ERROR|SECRET_IN_CONFIG/) }),
      );
    for (const config of [
      { destinations: [{ name: text, code: 'A' }] },
      { destinations: [{ name: 'A', code: 'A', aliases: ['B', text] }] },
      { extensions: { list: [[text]] } },
      { extensions: { list: [{ a: text }] } },
    ])
      expect(() => readTenantConfig(config, acme), JSON.stringify(config)).toThrow(/has a reference/);
  });

  test.each([`\${DATABASE_URL}`, `\${ACME_X}`, `x\${ACME_X}`, '＄{ACME_X}'])(
    'is refused as the name of a key: %s',
    (key) => {
      for (const value of [1, { a: 1 }, null])
        expect(findReferenceProblems({ extensions: { deep: [{ [key]: value }] } }, acme)).toEqual([
          { field: `extensions.deep.0.${key}`, message: 'has a reference in the name of a key' },
        ]);
    },
  );

  test.each([
    '$5 off',
    'Cash$Flow',
    'US$',
    '{{ name }}',
    '100 %',
    '$',
    'a $ b',
    '%DATABASE_URL%',
    'Rates in $USD',
  ])('is no ordinary text: %s', (text) => {
    expect(readTenantConfig({ branding: { email_signature: text } }, acme)).toBeDefined();
  });
});

test('every foreign reference is reported at once, by its path', () => {
  const foreign = `\${DATABASE_URL}`;
  const config = {
    email: { smtp: { password: foreign }, sendgrid: { api_key: foreign } },
    extensions: { items: ['fine', foreign] },
  };
  expect(findReferenceProblems(config, acme).map(({ field }) => field)).toEqual([
    'email.smtp.password',
    'email.sendgrid.api_key',
    'extensions.items.1',
  ]);
});

test('the own variables of a configuration are listed wherever they are', () => {
  const config = {
    email: { smtp: { password: `\${ACME_A}` } },
    infrastructure: { openai: { api_key: `\${OPENAI_API_KEY}` } },
    extensions: { list: [`\${ACME_B}`, `\${ACME_A}`, 'ACME_C'] },
  };
  expect(listOwnNames(config, acme)).toEqual(['ACME_A', 'ACME_B']);
});
