import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { mapClient } from '../../../src/importing/yaml/client-mapping.js';
import { ImportedTenantShape } from '../../../src/profile/tenant-import.js';
import { strictConfigRules } from '../../../src/registry/values/config-rules.js';
import { clientYaml } from '../support/client-story.js';

const map = (more: string) => mapClient(clientYaml('acme', more), 'acme', strictConfigRules);

function configOf(more: string) {
  const { wanted, problems } = map(more);
  if (!wanted) throw new Error(JSON.stringify(problems));
  const { email: _, ...config } = wanted.config;
  return config;
}

describe('a file with few keys', () => {
  test('gets the defaults of the mapping', () => {
    const { wanted } = mapClient(
      'client: { id: acme }\nemail: { primary: a@acme.example }',
      'acme',
      strictConfigRules,
    );
    expect(wanted).toMatchObject({
      slug: 'acme',
      tenant: {
        name: 'acme',
        shortName: null,
        timezone: 'UTC',
        currency: 'USD',
        primaryEmail: 'a@acme.example',
      },
      settings: { companyName: 'acme', supportEmail: 'a@acme.example', emailFromEmail: null },
      branding: { presetTheme: 'professional_blue', logoUrl: null, primaryColor: null },
      config: { email: { primary: 'a@acme.example' } },
    });
  });

  test('ignores empty sections and empty texts', () => {
    expect(configOf('branding:\ndestinations:\ninfrastructure: { gcp: , vapi: { api_key: "" } }')).toEqual({
      infrastructure: { vapi: {} },
    });
  });
});

test('numbers without quotes keep their digits, and yes is read as true', () => {
  const text =
    'banking: { account_number: 0620001, branch_code: 250655 }\ndestinations: [{ name: Oslo, code: NO, enabled: yes }]';
  expect(configOf(text)).toEqual({
    banking: { account_number: '0620001', branch_code: '250655' },
    destinations: [{ name: 'Oslo', code: 'NO', enabled: true }],
  });
});

test('unknown keys are kept at their place under extensions and reported', () => {
  const text =
    'branding: { font: Arial }\ndestinations: [{ name: A, code: A, region: north }]\nloyalty: { tiers: [1, 2] }';
  expect(configOf(text).extensions).toEqual({
    branding: { font: 'Arial' },
    destinations: { 0: { region: 'north' } },
    loyalty: { tiers: [1, 2] },
  });
  expect(map(text).unknownKeys).toEqual(['branding.font', 'destinations.0.region', 'loyalty']);
});

describe('a secret in a file', () => {
  test.each([
    [
      'infrastructure: { sendgrid: { api_key: SG.x } }',
      'infrastructure.sendgrid.api_key',
      'ACME_SENDGRID_API_KEY',
    ],
    ['infrastructure: { vapi: { api_key: x } }', 'infrastructure.vapi.api_key', 'ACME_VAPI_API_KEY'],
    ['infrastructure: { openai: { api_key: sk-x } }', 'infrastructure.openai.api_key', 'OPENAI_API_KEY'],
    [
      'infrastructure: { supabase: { anon_key: 7 } }',
      'infrastructure.supabase.anon_key',
      'ACME_SUPABASE_ANON_KEY',
    ],
    ['twilio: { auth_token: x }', 'twilio.auth_token', 'ACME_TWILIO_AUTH_TOKEN'],
    ['twilio: { apiKey: x }', 'twilio.apiKey', 'ACME_TWILIO_API_KEY'],
    ['vault: { passwords: [x] }', 'vault.passwords.0', 'ACME_VAULT_PASSWORDS_0'],
    ['note: "the password: hunter22"', 'note', 'ACME_NOTE'],
  ])('%s becomes a reference', (text, path, name) => {
    const { secrets, wanted } = map(text);
    expect(secrets).toEqual([expect.objectContaining({ path, line: 3, reference: `\${${name}}` })]);
    expect(JSON.stringify(wanted)).toContain(`"\${${name}}"`);
  });

  test.each([
    ['infrastructure: { supabase: { service_key: x } }', 'infrastructure.supabase.service_key'],
    [
      `infrastructure: { supabase: { service_key: "\${SUPABASE_SERVICE_KEY}" } }`,
      'infrastructure.supabase.service_key',
    ],
    [
      `infrastructure: { supabase: { anon_key: "\${SUPABASE_SERVICE_KEY}" } }`,
      'infrastructure.supabase.anon_key',
    ],
    ['supabase_service_role_key: x', 'supabase_service_role_key'],
    ['"SG.abcdefghijkl.key": { a: 1 }', '…'],
    ['branding: { email_signature: "password: hunter22" }', 'branding.email_signature'],
  ])('%s is left out', (text, path) => {
    const { secrets, wanted, unknownKeys } = map(text);
    expect(secrets).toEqual([expect.objectContaining({ path, reference: null })]);
    expect(JSON.stringify(wanted)).not.toMatch(/service|hunter|SG\./);
    expect(unknownKeys).toEqual([]);
  });

  test('is found again where neither its key nor its form shows it', () => {
    const { wanted, secrets } = map(
      'email2: { password: &p correct-horse }\nreminder: say correct-horse\ncopy: *p',
    );
    expect(secrets).toHaveLength(3);
    expect(JSON.stringify(wanted)).not.toContain('horse');
  });

  test('never shares its variable with another secret or with an existing reference', () => {
    const { secrets } = map(
      `infrastructure: { sendgrid: { api_key: SG.one } }\nsendgrid: { api_key: SG.two }\na: "\${ACME_SENDGRID_API_KEY}"`,
    );
    const references = secrets.map(({ reference }) => reference);
    expect(new Set([...references, `\${ACME_SENDGRID_API_KEY}`]).size).toBe(3);
  });
});

describe('a reference to a variable of somebody else', () => {
  const foreign = `"\${DATABASE_URL}"`;

  test.each([
    [
      `infrastructure: { sendgrid: { api_key: ${foreign} } }`,
      'infrastructure.sendgrid.api_key',
      'SENDGRID_API_KEY',
    ],
    [`infrastructure: { supabase: { url: ${foreign} } }`, 'infrastructure.supabase.url', 'SUPABASE_URL'],
    [
      `infrastructure: { gcp: { project_id: ${foreign} } }`,
      'infrastructure.gcp.project_id',
      'INFRASTRUCTURE_GCP_PROJECT_ID',
    ],
    [
      `infrastructure: { vapi: { phone_number_id: "x\${DATABASE_URL}" } }`,
      'infrastructure.vapi.phone_number_id',
      'INFRASTRUCTURE_VAPI_PHONE_NUMBER_ID',
    ],
    [
      `infrastructure: { vapi: { assistant_id: $DATABASE_URL } }`,
      'infrastructure.vapi.assistant_id',
      'INFRASTRUCTURE_VAPI_ASSISTANT_ID',
    ],
    [
      `infrastructure: { vapi: { api_key: "\${OPENAI_API_KEY}" } }`,
      'infrastructure.vapi.api_key',
      'VAPI_API_KEY',
    ],
    [`twilio: { auth_token: ${foreign} }`, 'twilio.auth_token', 'TWILIO_AUTH_TOKEN'],
    [`twilio: { numbers: [1, ${foreign}] }`, 'twilio.numbers.1', 'TWILIO_NUMBERS_1'],
    [`webhook: "https://x.example/\${DATABASE_URL}"`, 'webhook', 'WEBHOOK'],
  ])('%s becomes one to the tenant’s own variable, and is reported', (text, path, name) => {
    const { secrets, wanted } = map(text);
    expect(secrets).toEqual([
      {
        ...{ path, line: 3, reference: `\${ACME_${name}}` },
        why: 'looks like a reference to a variable that does not belong to this tenant',
      },
    ]);
    expect(JSON.stringify(wanted)).toContain(`"\${ACME_${name}}"`);
    expect(JSON.stringify(wanted)).not.toMatch(/DATABASE_URL|OPENAI/);
  });

  test.each([
    [`infrastructure: { sendgrid: { api_key: "\${ACME_KEY:-sesame}" } }`, 'infrastructure.sendgrid.api_key'],
    [`twilio: { auth_token: "\${DATABASE_URL-sesame}" }`, 'twilio.auth_token'],
    [`webhook: "\${ACME_HOOK:?sesame}"`, 'webhook'],
    [`webhook: "https://\${ACME_HOST:-x.example}/"`, 'webhook'],
  ])('%s is explained by its line, and its default stays nowhere', (text, path) => {
    const { secrets, wanted } = map(text);
    expect(secrets).toMatchObject([
      {
        ...{ path, line: 3 },
        why: `looks like a reference with a default, as in \${NAME:-value}, which no service replaces: write \${NAME} alone and set the variable`,
      },
    ]);
    expect(JSON.stringify(wanted)).not.toMatch(/sesame|x\.example/);
  });

  test.each([
    [`branding: { email_signature: ${foreign} }`, 'branding.email_signature'],
    [`branding: { email_signature: "Call \${ACME_PHONE}" }`, 'branding.email_signature'],
    [`agents: { inbound: { prompt_file: ${foreign} } }`, 'agents.inbound.prompt_file'],
    [`"\${DATABASE_URL}": 1`, '…'],
    [`crm: { zones: { "\${DATABASE_URL}": 1 } }`, 'crm.zones.…'],
  ])('%s is left out where people read it, and reported', (text, path) => {
    const { secrets, wanted } = map(text);
    expect(secrets).toEqual([expect.objectContaining({ path, reference: null })]);
    expect(JSON.stringify(wanted)).not.toContain('$');
  });

  test('stays when the operator allows its name', () => {
    const text = clientYaml('acme', `infrastructure: { supabase: { url: "\${SUPABASE_URL}" } }`);
    const { secrets, wanted } = mapClient(text, 'acme', {
      ...strictConfigRules,
      secretNames: ['SUPABASE_URL'],
    });
    expect(secrets).toEqual([]);
    expect(JSON.stringify(wanted)).toContain(`"\${SUPABASE_URL}"`);
  });
});

describe('a file is refused with its line when', () => {
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]'];
  for (const [at, name] of [...'bcdefghi'].entries())
    bomb.push(`${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[at]}`).join()}]`);
  const many = Array.from({ length: 60_000 }, (_, at) => `k${at}: 1`).join('\n');

  test.each([
    ['it is not valid YAML', 'x: "1', 3, 'MISSING_CHAR'],
    ['a key occurs twice', 'client: { id: acme }', 3, 'for the second time'],
    ['aliases would fill the memory', bomb.join('\n'), 8, 'aliases included'],
    ['an alias refers to itself', 'x: &x [*x]', 3, 'not defined before it'],
    ['its brackets would exhaust the stack', `x: ${'['.repeat(500_000)}`, 3, 'nested'],
    ['its dashes would exhaust the stack', `x:\n${'- '.repeat(400_000)}`, 4, 'nested'],
    ['it has too many keys', many, 34_284, 'tokens'],
    ['a key is __proto__', '__proto__: { admin: true }', 3, '__proto__'],
    ['a text cannot be stored', 'x: "a\\0b"', 3, 'cannot be stored'],
    ['a number cannot be stored', 'x: .inf', 3, 'no number'],
    ['it has a tag of a program', 'x: !!python/object:os.system rm', 3, 'tag'],
    ['it has two documents', '---\nb: 1', 3, 'second document'],
    ['a value has the wrong type', 'destinations: { a: 1 }', 3, 'destinations must be array'],
    [
      'a secret is in place of a whole section',
      'infrastructure: SG.abcdefghijkl',
      3,
      'infrastructure looks like',
    ],
    [
      'an item of a list lacks a required key',
      'destinations:\n  - { name: A }',
      4,
      'destinations.0.code must be string',
    ],
  ])('%s', (_, more, line, message) => {
    const { wanted, problems } = map(more);
    expect(wanted).toBeUndefined();
    expect(problems[0]?.line).toBe(line);
    expect(`${problems[0]?.path} ${problems[0]?.message}`).toContain(message);
    expect(JSON.stringify(problems)).not.toMatch(/SG\.|os\.system/);
  });

  test('its id is not the name of its folder', () => {
    expect(mapClient(clientYaml('acme'), 'other', strictConfigRules).problems).toEqual([
      { path: 'client.id', line: 1, column: 15, message: expect.stringContaining('rename the folder') },
    ]);
  });
});

describe('a text has a longest length', () => {
  const url = (length: number) => 'https://cdn.example/'.padEnd(length, 'x');

  test.each<[field: string, key: string, longest: number, ofLength?: (length: number) => string]>([
    ['tenant.name', 'client.name', 200],
    ['tenant.shortName', 'client.short_name', 50],
    ['tenant.gcpProjectId', 'infrastructure.gcp.project_id', 100],
    ['tenant.gcpDataset', 'infrastructure.gcp.dataset', 1024],
    ['settings.companyName', 'branding.company_name', 200],
    ['settings.emailFromName', 'email.sendgrid.from_name', 200],
    ['branding.presetTheme', 'branding.theme_id', 100],
    ['branding.logoUrl', 'branding.logo_url', 2_000, url],
  ])('of %s in %s: %i', (field, key, longest, ofLength = (length) => 'x'.repeat(length)) => {
    const [part = '', ...path] = key.split('.');
    const least: Record<string, object> = { client: { id: 'acme' }, email: { primary: 'a@acme.example' } };
    const write = (text: string) => {
      const below = path.reduceRight<unknown>((value, name) => ({ [name]: value }), text) as object;
      const file = { ...least, [part]: { ...least[part], ...below } };
      return mapClient(stringify(file), 'acme', strictConfigRules);
    };
    const { wanted } = write(ofLength(longest));
    const [section = '', name = ''] = field.split('.');
    expect(wanted).toMatchObject({ [section]: { [name]: ofLength(longest) } });
    const message = `must have at most ${longest} characters`;
    expect(write(ofLength(longest + 1)).problems).toContainEqual(
      expect.objectContaining({ path: key, message }),
    );
    // The command that writes the tenant has the same limit.
    const { error } = ImportedTenantShape.safeParse({
      ...wanted,
      [section]: { ...wanted?.[section as 'tenant'], [name]: ofLength(longest + 1) },
    });
    expect(error?.issues).toMatchObject([{ path: [section, name], message }]);
  });
});
