import { describe, expect, test } from 'vitest';
import { readSecrets, requireSecret } from '../../src/client/config/secret.js';

const reference = (name: string) => `\${${name}}`;
const of = (slug: string, ...secretNames: string[]) => ({ slug, secretNames });
const from = (env: Record<string, string>) => (name: string) => env[name];

describe('the configuration of a service', () => {
  const smtp = { host: 'mail.acme.example', port: 465, password: reference('ACME_SMTP_PASSWORD') };

  test('contains the values of its references', () => {
    const config = readSecrets({ email: { smtp } }, of('acme'), from({ ACME_SMTP_PASSWORD: 'open sesame' }));
    expect(config).toEqual({ email: { smtp: { ...smtp, password: 'open sesame' } } });
  });

  test.each([{}, { ACME_SMTP_PASSWORD: '' }])(
    'throws with the variable’s name when a value that is not set is read: %j',
    (env) => {
      const config = readSecrets({ email: { smtp } }, of('acme'), from(env));
      expect(() => config.email?.smtp?.password).toThrow(
        "email.smtp.password of tenant acme is not set: this service's environment has no ACME_SMTP_PASSWORD",
      );
      // The other values stay readable.
      expect(JSON.parse(JSON.stringify(config))).toEqual({ email: { smtp: { host: smtp.host, port: 465 } } });
      expect({ ...config.email?.smtp }).toEqual({ host: smtp.host, port: 465 });
    },
  );

  test.each([
    [reference('VAPI_API_KEY'), { OIL_AND_GAS_VAPI_API_KEY: 'own', VAPI_API_KEY: 'shared' }, 'own'],
    [reference('VAPI_API_KEY'), { VAPI_API_KEY: 'shared' }, 'shared'],
    [
      reference('ANOTHER'),
      { ANOTHER: 'named', OIL_AND_GAS_VAPI_API_KEY: 'own', VAPI_API_KEY: 'shared' },
      'named',
    ],
    [reference('ANOTHER'), { OIL_AND_GAS_VAPI_API_KEY: 'own', VAPI_API_KEY: 'shared' }, 'own'],
    [reference('ANOTHER'), { VAPI_API_KEY: 'shared' }, 'shared'],
  ])(
    'takes a standard key %s from the named variable, then the tenant’s, then the shared one: %j',
    (api_key, env, value) => {
      const config = readSecrets(
        { infrastructure: { vapi: { api_key } } },
        of('oil-and-gas', 'ANOTHER'),
        from(env),
      );
      expect(config.infrastructure?.vapi?.api_key).toBe(value);
    },
  );

  test('never uses another tenant’s key for one that is not set', () => {
    const stored = { infrastructure: { openai: { api_key: reference('OPENAI_API_KEY') } } };
    const config = readSecrets(
      stored,
      of('acme'),
      from({ ACME_OPENAI_API_KEY: 'own', OPENAI_API_KEY: 'shared' }),
    );
    expect(config.infrastructure?.openai?.api_key).toBe('shared');
    const email = { sendgrid: { api_key: reference('SENDGRID_API_KEY') } };
    const other = readSecrets({ email }, of('acme'), from({ GLOBEX_SENDGRID_API_KEY: 'of globex' }));
    expect(() => other.email?.sendgrid?.api_key).toThrow('ACME_SENDGRID_API_KEY or SENDGRID_API_KEY');
  });

  test('replaces neither references in texts that people see nor references inside a text', () => {
    const stored = {
      branding: { email_signature: reference('DATABASE_URL') },
      email: { sendgrid: { from_name: `Acme ${reference('DATABASE_URL')}` } },
      extensions: { note: reference('DATABASE_URL') },
    };
    expect(readSecrets(stored, of('acme'), from({ DATABASE_URL: 'postgres://…' }))).toEqual(stored);
  });

  test('is a copy without inherited properties', () => {
    const stored = JSON.parse(
      '{"extensions": {"__proto__": {"isAdmin": true}}, "destinations": [{"name": "Durban"}]}',
    );
    const config = readSecrets(stored, of('acme'), from({}));
    expect(JSON.stringify(config)).toBe(JSON.stringify(stored));
    expect(config.destinations).not.toBe(stored.destinations);
    expect((config.extensions as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  });
});

describe('a standard key', () => {
  test('is read from the tenant’s variable first, then from the shared one', () => {
    const env = from({ T_1_SENDGRID_API_KEY: 'own', SENDGRID_API_KEY: 'shared' });
    expect(requireSecret('t-1', 'SENDGRID_API_KEY', env)).toBe('own');
    expect(requireSecret('t-2', 'SENDGRID_API_KEY', env)).toBe('shared');
  });

  test.each(['OPENAI_API_KEY', 'SUPABASE_SERVICE_KEY'] as const)(
    '%s is read from the shared variable only',
    (name) => {
      expect(requireSecret('t-1', name, from({ [`T_1_${name}`]: 'own', [name]: 'shared' }))).toBe('shared');
      expect(() => requireSecret('t-1', name, from({ [`T_1_${name}`]: 'own' }))).toThrow(
        `${name} for tenant t-1 is not set: this service's environment has no ${name}`,
      );
    },
  );
});
