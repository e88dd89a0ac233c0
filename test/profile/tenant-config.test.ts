import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, expectTypeOf, test } from 'vitest';
import type { z } from 'zod';
import type { TenantConfig } from '../../src/client/index.js';
import {
  readTenantConfig,
  type TenantConfigShape,
  tenantConfigJsonSchema,
} from '../../src/profile/config/tenant-config.js';
import { strictConfigRules } from '../../src/registry/values/config-rules.js';
import { ordinaryConfig } from '../registry/support/secret-samples.js';
import { createRandom } from '../setup/random.js';
import { seed } from '../setup/seed.js';

test('a configuration of the right shape is accepted unchanged', () => {
  const random = createRandom(seed);
  for (let at = 0; at < 200; at++) {
    const config = ordinaryConfig(random, 'acme');
    expect(readTenantConfig(config, { slug: 'acme', ...strictConfigRules })).toEqual(config);
  }
});

/** Removes what only one of the two types states: `readonly`, and optional instead of undefined. */
type Plain<T> = T extends readonly (infer Item)[]
  ? Plain<Item>[]
  : T extends object
    ? {
        -readonly [Key in keyof T]:
          | Plain<Exclude<T[Key], undefined>>
          | (undefined extends T[Key] ? null | undefined : never);
      }
    : T;

test('the type in the client package has the same shape', () => {
  expectTypeOf<Plain<Omit<TenantConfig, 'extensions'>>>().toEqualTypeOf<
    Plain<Omit<z.output<typeof TenantConfigShape>, 'extensions'>>
  >();
  expectTypeOf<keyof TenantConfig>().toEqualTypeOf<keyof z.output<typeof TenantConfigShape>>();
});

describe('a configuration is refused with the path of', () => {
  test.each([
    ['an unknown key', { branding: { colour: 'red' } }, 'branding.colour: is not a key of a configuration'],
    ['an unknown key at the top level', { brand: {} }, 'brand: is not a key of a configuration'],
    [
      'a colour',
      { branding: { primary_color: 'red' } },
      'branding.primary_color: must be a colour such as #1f2a44',
    ],
    ['a type', { destinations: [{ name: 5, code: 'Z' }] }, 'destinations.0.name: must be string'],
    [
      'a logo',
      { branding: { logo_url: 'javascript:alert(1)' } },
      'branding.logo_url: must be an http or https URL',
    ],
    ['a port', { email: { imap: { port: 0 } } }, 'email.imap.port: must be 1 to 65535'],
    ['an address', { email: { primary: 'acme' } }, 'email.primary: must be an e-mail address'],
    [
      'the Supabase service key',
      { infrastructure: { supabase: { service_key: `\${SUPABASE_SERVICE_KEY}` } } },
      'infrastructure.supabase.service_key: is not a key of a configuration',
    ],
    ['a list instead of an object', [], 'config: must be object'],
    ['its size', { extensions: { a: 'x '.repeat(300_000) } }, 'config: must have at most 500000 characters'],
  ])('%s', (_, config, message) => {
    expect(() => readTenantConfig(config, { slug: 'acme', ...strictConfigRules })).toThrow(
      expect.objectContaining({ code: 'VALIDATION_ERROR', message: expect.stringContaining(message) }),
    );
  });

  test('every secret at once, with the reference to write instead', () => {
    const config = {
      email: { smtp: { password: 'hunter2' } },
      infrastructure: { openai: { api_key: 'sk-x' } },
    };
    expect(() => readTenantConfig(config, { slug: 'oil-and-gas', ...strictConfigRules })).toThrow(
      expect.objectContaining({
        code: 'SECRET_IN_CONFIG',
        fields: ['email.smtp.password', 'infrastructure.openai.api_key'].map((field) => ({
          field,
          message: expect.stringContaining(`write a reference here, such as \${OIL_AND_GAS_…}`),
        })),
      }),
    );
  });
});

test('tenant-config.schema.json is the JSON Schema of the checked shape', async () => {
  const file = join(import.meta.dirname, '../../tenant-config.schema.json');
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(tenantConfigJsonSchema());
});
