import { expect, test } from 'vitest';
import { withoutSecrets } from '../../src/profile/config/without-secrets.js';

test('a configuration without secrets is returned unchanged, with its references and nulls', () => {
  const config = {
    email: { smtp: { password: `\${SMTP_PASSWORD}`, port: 25 } },
    branding: { logo_url: null },
  };
  expect(withoutSecrets(config)).toEqual({ config, paths: [] });
});

test('a secret is replaced at every place: as a value, in a list, as a number, as the name of a key', () => {
  const { config, paths } = withoutSecrets({
    password: 12345678,
    tokens: ['sk-abcdefghijklmnop', 'plain'],
    'sk-abcdefghijklmnop': { api_key: 'x', note: 'stays' },
  });
  expect(config).toEqual({
    password: '***',
    tokens: ['***', 'plain'],
    '***': { api_key: '***', note: 'stays' },
  });
  expect(paths).toHaveLength(4);
  expect(JSON.stringify([config, paths])).not.toMatch(/sk-|1234/);
});
