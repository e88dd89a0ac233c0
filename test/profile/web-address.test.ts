import { describe, expect, test } from 'vitest';
import { readTenantConfig } from '../../src/profile/config/tenant-config.js';
import { findPrivateHost, findPrivateUrl, findUrlProblem } from '../../src/profile/web-address.js';
import { strictConfigRules } from '../../src/registry/values/config-rules.js';

const acme = { slug: 'acme', ...strictConfigRules };

const publicUrls = [
  'https://cdn.example.com/logo.svg',
  'http://acme.example',
  'https://acme.example:8443/a?b=c#d',
  'https://8.8.8.8/',
  'https://[2606:4700:4700::1111]/',
  'HTTPS://ACME.EXAMPLE',
  'https://bücher.example/',
  'https://172.32.0.1/',
  'https://192.169.0.1/',
  'https://locals.example',
];

const privateUrls = [
  'http://localhost',
  'http://localhost:4000/graphql',
  'http://LOCALHOST.',
  'http://app.localhost',
  'http://127.0.0.1',
  'http://127.1',
  'http://127.255.255.254',
  'http://2130706433',
  'http://0x7f000001',
  'http://0x7f.0.0.1',
  'http://0177.0.0.1',
  'http://017700000001',
  'http://127.0.0.1.',
  'http://１２７.0.0.1',
  'http://①②⑦.0.0.1',
  'http://0',
  'http://0.0.0.0',
  'http://10.0.0.1',
  'http://172.16.0.1',
  'http://172.31.255.255',
  'http://192.168.1.1',
  'http://169.254.169.254/latest/meta-data',
  'http://2852039166',
  'http://100.64.0.1',
  'http://224.0.0.1',
  'http://255.255.255.255',
  'http://[::1]',
  'http://[::]',
  'http://[0:0:0:0:0:0:0:1]',
  'http://[::ffff:127.0.0.1]',
  'http://[::ffff:7f00:1]',
  'http://[::127.0.0.1]',
  'http://[64:ff9b::7f00:1]',
  'http://[2002:7f00:1::]',
  'http://[2001:0:7f00:1::]',
  'http://[fe80::1]',
  'http://[fc00::1]',
  'http://[fd12:3456::1]',
  'http://[ff02::1]',
  'http://metadata.google.internal',
  'http://redis',
  'http://redis.',
  'http://db.local',
  'http://db.corp.internal',
  'http://printer.lan',
  'http://nas.home.arpa',
  'http://db.localdomain',
  'http://wiki.intranet',
];

/** Networks that are not public, by first and last address, with the addresses before and after them that are public. */
const privateNetworks: [first: string, last: string, publicNeighbours: string[]][] = [
  ['0.0.0.0', '0.255.255.255', ['1.0.0.0']],
  ['10.0.0.0', '10.255.255.255', ['9.255.255.255', '11.0.0.0']],
  ['100.64.0.0', '100.127.255.255', ['100.63.255.255', '100.128.0.0']],
  ['127.0.0.0', '127.255.255.255', ['126.255.255.255', '128.0.0.0']],
  ['169.254.0.0', '169.254.255.255', ['169.253.255.255', '169.255.0.0']],
  ['172.16.0.0', '172.31.255.255', ['172.15.255.255', '172.32.0.0']],
  ['192.0.0.0', '192.0.0.255', ['191.255.255.255', '192.0.1.0']],
  ['192.0.2.0', '192.0.2.255', ['192.0.1.255', '192.0.3.0']],
  ['192.88.99.0', '192.88.99.255', ['192.88.98.255', '192.88.100.0']],
  ['192.168.0.0', '192.168.255.255', ['192.167.255.255', '192.169.0.0']],
  ['198.18.0.0', '198.19.255.255', ['198.17.255.255', '198.20.0.0']],
  ['198.51.100.0', '198.51.100.255', ['198.51.99.255', '198.51.101.0']],
  ['203.0.113.0', '203.0.113.255', ['203.0.112.255', '203.0.114.0']],
  ['224.0.0.0', '255.255.255.255', ['223.255.255.255']],
  ['[::]', '[1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]', ['[2000::]']],
  ['[2001::]', '[2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff]', ['[2000:ffff::]', '[2001:200::]']],
  ['[2001:db8::]', '[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]', ['[2001:db7:ffff::]', '[2001:db9::]']],
  ['[2002::]', '[2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff]', ['[2001:ffff::]', '[2003::]']],
  ['[4000::]', '[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]', ['[3fff:ffff::]']],
];

const malformed = [
  'javascript:alert(1)',
  'data:image/svg+xml,<svg onload=alert(1)>',
  'file:///etc/passwd',
  'ftp://acme.example',
  'gopher://acme.example',
  'ws://acme.example',
  'blob:https://acme.example/1',
  '//acme.example',
  'acme.example',
  'http:acme.example',
  'http:/acme.example',
  'http:///acme.example',
  'http:\\\\acme.example',
  'http://acme.example\\@127.0.0.1',
  'http://acme.example /',
  ' http://acme.example',
  'http://acme.example\n',
  'java\tscript:alert(1)',
  'ht\ntp://acme.example',
  'http://acme\u0000.example',
  'http://acme\u200b.example',
  'http://',
  'http://256.256.256.256',
  'http://[::1',
  '',
];

describe('a URL', () => {
  test.each(publicUrls)('%s is accepted', (url) => {
    expect([findUrlProblem(url), findPrivateUrl(url)]).toEqual([undefined, undefined]);
    expect(readTenantConfig({ branding: { logo_url: url } }, acme)).toBeDefined();
  });

  test.each(privateUrls)('%s is refused, unless the operator allows private URLs', (url) => {
    expect(findUrlProblem(url)).toBeUndefined();
    for (const [place, config] of Object.entries({
      'branding.logo_url': { branding: { logo_url: url } },
      'infrastructure.supabase.url': { infrastructure: { supabase: { url } } },
    })) {
      expect(() => readTenantConfig(config, acme)).toThrow(
        `${place}: must name a public host, not one inside a network: see PRIVATE_URLS`,
      );
      expect(readTenantConfig(config, { ...acme, allowsPrivateUrls: true })).toEqual(config);
    }
  });

  test.each(malformed)('%j is refused, whatever the operator allows', (url) => {
    expect(findUrlProblem(url)).toBe('must be an http or https URL');
    for (const allowsPrivateUrls of [true, false])
      expect(() => readTenantConfig({ branding: { logo_url: url } }, { ...acme, allowsPrivateUrls })).toThrow(
        expect.objectContaining({ code: 'VALIDATION_ERROR' }),
      );
  });

  test.each([
    'https://user@acme.example',
    'https://user:@acme.example',
    'https://:pw@acme.example',
    'https://a@b@acme.example',
  ])('%s is refused for its credentials', (url) => {
    expect(findUrlProblem(url)).toMatch(/^must not have a user name or password/);
    expect(() => readTenantConfig({ branding: { logo_url: url } }, acme)).toThrow();
  });
});

test.each(privateNetworks)('the network from %s to %s is private to its ends', (first, last, neighbours) => {
  const isPrivate = (host: string) => findPrivateUrl(`https://${host}/`) !== undefined;
  expect([first, last].map(isPrivate)).toEqual([true, true]);
  expect(neighbours.filter(isPrivate)).toEqual([]);
});

test.each(['localhost', '127.0.0.1', '10.1.2.3', 'redis', '2130706433', '0x7f.1', 'db.internal'])(
  'a mail server %s is refused, unless the operator allows private hosts',
  (host) => {
    expect(findPrivateHost(host)).toBeDefined();
    for (const server of ['smtp', 'imap']) {
      const config = { email: { [server]: { host } } };
      expect(() => readTenantConfig(config, acme)).toThrow(`email.${server}.host: must name a public host`);
      expect(readTenantConfig(config, { ...acme, allowsPrivateUrls: true })).toEqual(config);
    }
  },
);

describe('the path of a prompt', () => {
  const configWith = (prompt_file: string) => ({ agents: { inbound: { prompt_file } } });

  test.each([
    'prompts/inbound.txt',
    'inbound.txt',
    './prompts/a.md',
    'a..b/c.txt',
    '...',
    'prompts/größe.txt',
    'a b.txt',
    'x/.hidden',
  ])('%s is accepted', (path) => {
    expect(readTenantConfig(configWith(path), acme)).toEqual(configWith(path));
  });

  test.each([
    '',
    '/etc/passwd',
    '//server/share',
    '..',
    '../secrets.txt',
    'prompts/../../etc/passwd',
    'prompts/..',
    '..\\secrets.txt',
    'prompts\\inbound.txt',
    'C:\\secrets.txt',
    'C:/secrets.txt',
    'c:secrets.txt',
    '\\\\server\\share',
    'file:///etc/passwd',
    'https://evil.example/prompt.txt',
    'data:text/plain,hello',
    '~/secrets.txt',
    '~root/x',
    'prompts/a\u0000.txt',
    'prompts/a\n.txt',
    'prompts/%2e%2e/x',
    'prompts/%2E%2E%2Fx',
    'prompts%5c..%5cx',
    '．．/x',
    'prompts／..／x',
    '․․/x',
    'prompts/\u200b../x',
  ])('%j is refused', (path) => {
    expect(() => readTenantConfig(configWith(path), acme)).toThrow(
      'agents.inbound.prompt_file: must be a relative path such as prompts/inbound.txt, without .. and \\',
    );
  });
});

test('addresses with letters of Latin-1 are read the same after thousands of others', () => {
  const answers = new Set<string>();
  for (let at = 0; at < 50_000; at++)
    answers.add(String([findUrlProblem('https://bücher.example/'), findPrivateUrl('http://¹27.0.0.1/')]));
  const isPrivate = 'must name a public host, not one inside a network: see PRIVATE_URLS';
  expect([...answers]).toEqual([`,${isPrivate}`]);
});
