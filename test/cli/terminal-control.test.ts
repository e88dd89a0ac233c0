import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { paint } from '../../src/cli/terminal/color.js';
import { oneLine, printable } from '../../src/cli/terminal/printable.js';
import { visible } from '../../src/cli/terminal/table.js';
import { runHere } from '../setup/command-line.js';
import { openGateway, type TestGateway } from '../setup/gateway.js';
import { run } from '../setup/process.js';
import { aTenant, type StoryTenant } from '../setup/stories.js';

/** Everything that a terminal obeys or hides, by name. */
const hostile: Record<string, string> = {
  'a colour': '\u001b[31m',
  'concealed text': '\u001b[8m',
  'a window title': '\u001b]0;owned\u0007',
  'the clipboard': '\u001b]52;c;b3duZWQ=\u0007',
  'a cleared screen': '\u001b[2J\u001b[H',
  'CSI in one character': '\u009b31m',
  'OSC in one character': '\u009d0;owned\u009c',
  'a carriage return': 'x\ry',
  backspaces: 'x\b\b\by',
  DEL: '\u007f',
  'the bell': '\u0007',
  'a tab': 'x\ty',
  'text from right to left': '\u202egnp.exe\u202c',
  'an isolate': '\u2066x\u2069',
  'a zero-width space': 'x\u200by',
  'a byte order mark': '\ufeffx',
  'a tag character': '\u{e0041}',
  'a line separator': 'x\u2028y',
  'a paragraph separator': 'x\u2029y',
  'a soft hyphen': 'x\u00ady',
};
const steering = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const forged = '\nAll 1 storage of 1 tenant is as the registry says.\n';
/** The form of names refuses control characters, but not these. */
const hidden = 'Acme \u202egnp.exe\u202c x\u200by \u2028';
const everything = `Acme ${Object.values(hostile).join(' ')}${forged}`;

describe.each(Object.entries(hostile))('%s', (_what, text) => {
  test('is shown and not obeyed', () => {
    for (const show of [oneLine, visible]) expect(show(`a${text}b`)).not.toMatch(steering);
    // A whole line keeps the colours of `paint`; each text in it was made one line before.
    const isOwnColour = text === hostile['a colour'];
    if (!isOwnColour) expect(printable(`a${text}b`)).not.toMatch(steering);
  });

  test('keeps its meaning in printed JSON', () => {
    const value = { name: `a${text}b\n`, [text]: 1 };
    const printed = printable(JSON.stringify(value));
    expect(printed).not.toMatch(steering);
    expect(JSON.parse(printed)).toEqual(value);
  });
});

test.each([
  ['Persian', 'می\u200cخواهم'],
  ['Sinhala', 'ශ්\u200dරී ලංකා'],
  ['a family', '👨\u200d👩\u200d👧'],
  ['the flag of Wales', '🏴\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}'],
])('what %s needs is shown as it is, and a joiner elsewhere is not', (_writing, text) => {
  for (const show of [oneLine, visible, printable]) {
    expect(show(`a ${text} b`)).toBe(`a ${text} b`);
    expect(show(`a\u200d ${text} b\u200c`)).not.toContain('a\u200d');
  }
});

test('line feeds and the command line’s own colours are kept where several lines are printed, and only there', () => {
  const terminal = { isTTY: true } as NodeJS.WriteStream;
  const colours = (['green', 'yellow', 'red', 'dim', 'bold'] as const).map((one) =>
    paint(one, 'x', terminal),
  );
  for (const line of [...colours, 'a\nb', 'Café – 日本 👍 ✔']) expect(printable(line)).toBe(line);
  expect(colours.join('')).toContain('\u001b[32m');
  expect(oneLine('a\nb')).toBe('a\\u000ab');
  expect(oneLine('Café – 日本 👍 ✔')).toBe('Café – 日本 👍 ✔');
});

describe('text that was written into the registry past every check', () => {
  let gateway: TestGateway;
  let env: Record<string, string>;
  let tenant: StoryTenant;
  let folder: string;
  const schema = `finance_${everything.slice(0, 30)}\nWARNINGS`.slice(0, 40);
  beforeAll(async () => {
    gateway = await openGateway();
    env = { DATABASE_URL: gateway.registry.url, ...gateway.app.config.serviceDatabaseUrls };
    tenant = await aTenant().subscribedTo('finance').at(gateway);
    await gateway.createKey('registry:read');
    await gateway.psql('UPDATE api_keys SET name = $1, scopes = $2', [hidden, [everything]]);
    await gateway.psql(
      `UPDATE tenants SET name = $3, short_name = left($2, 50), gcp_project_id = $2, gcp_dataset = $2,
         timezone = left($2, 50), created_by = $2, status = 'suspended', suspended_reason = $2
       WHERE id = $1`,
      [tenant.id, everything, hidden],
    );
    await gateway.psql(
      `INSERT INTO tenant_settings (tenant_id, company_name, support_phone, website, email_from_name)
       VALUES ($1, $2, $2, $2, $2)
       ON CONFLICT (tenant_id) DO UPDATE SET company_name = $2, support_phone = $2, website = $2, email_from_name = $2`,
      [tenant.id, everything],
    );
    await gateway.psql(
      `INSERT INTO members (tenant_id, email, full_name) VALUES ($1, 'a@acme.example', $2)`,
      [tenant.id, everything],
    );
    await gateway.psql(`UPDATE operations SET error = $1, actor = $1`, [everything]);
    await gateway.psql(
      `UPDATE operations SET status = 'needs_attention', finished_at = NULL WHERE id = (SELECT id FROM operations WHERE kind = 'subscribe_tenant' LIMIT 1)`,
    );
    await gateway.psql(`UPDATE operation_steps SET error = $1`, [everything]);
    await gateway.psqlIn('finance', `CREATE SCHEMA ${pg.escapeIdentifier(schema)}`);
    folder = await mkdtemp(join(tmpdir(), 'hostile-clients-'));
    const client = `\u001b[2Jacme\nforged\u202e\u009b`;
    await mkdir(join(folder, client));
    await writeFile(
      join(folder, client, 'client.yaml'),
      'client:\n  id: "\\e[31mx\\n\\x9b"\n  "\\e[8mkey": "\\e]0;owned\\a"\n',
    );
  });
  afterAll(async () => {
    await gateway?.close();
    if (folder) await rm(folder, { recursive: true });
  });

  /** Runs a command and returns what it wrote, after a look at each character. */
  async function shownBy(args: string[], isExpected: RegExp) {
    const { stdout, stderr } = await runHere(args, env);
    const written = stdout + stderr;
    expect(written.replaceAll('\n', '')).not.toMatch(steering);
    expect(written).toMatch(isExpected);
    // No text begins a line of its own.
    expect(written.split('\n').filter((line) => /^(All 1 storage|WARNINGS$|forged)/.test(line))).toEqual([]);
    return stdout;
  }

  const only = ['--module', 'finance'];

  test('does not steer the terminal in a table', () => shownBy(['tenant', 'list'], /Acme/));
  test('does not steer the terminal in a tenant’s sheet', async () => {
    await shownBy(['tenant', 'show', tenant.slug], /suspended .*Acme/);
  });
  test('does not steer the terminal in a list of keys', () => shownBy(['keys', 'list'], /Acme/));
  test('does not steer the terminal in findings of doctor', async () => {
    const written = await runHere(['doctor', ...only], env);
    expect(written.stdout).toContain('SCHEMA_WITHOUT_ROW');
    expect(written.stdout.replaceAll('\n', '')).not.toMatch(steering);
    expect(written.stdout.split('\n').filter((line) => line === 'WARNINGS')).toHaveLength(1);
    expect(written.stdout).not.toMatch(/^All 1 storage/m);
  });
  test('does not steer the terminal in what an import of databases finds', async () => {
    await shownBy(['import', 'databases', '--dry-run', ...only], /finance_Acme/);
  });
  test('does not steer the terminal in what an import of files finds', async () => {
    await shownBy(['import', 'yaml', folder, '--dry-run'], /acme/);
  });
  test('does not steer the terminal in an export', async () => {
    const { stdout } = await run(['export'], env);
    expect(parse(stdout).tenants[0]).toMatchObject({ name: hidden, suspendedReason: everything });
    expect(stdout.replaceAll('\n', '')).not.toMatch(steering);
  });
  test('does not steer the terminal in a message', async () => {
    await shownBy(['tenant', 'show', `\u001b[31m${forged}`], /NOT_FOUND|VALIDATION/);
    await shownBy(
      ['provision', 'Acme', 'a@acme.example', `\u009b31m${forged}`],
      /ERROR|NOT_FOUND|VALIDATION/,
    );
  });
  test('does not steer the terminal in an error of the configuration', async () => {
    const { stderr } = await runHere(['tenant', 'list'], { ...env, PORT: `\u001b[31m\u009b${forged}` });
    expect(stderr).toMatch(/^PORT is .*expected a whole number/s);
    expect(stderr.replaceAll('\n', '')).not.toMatch(steering);
  });
  test.each([
    ['list', ['tenant', 'list', '--json']],
    ['sheet', ['tenant', 'show', '--json']],
  ])('is the same text in the JSON of a %s', async (_what, args) => {
    const stdout = await shownBy(args.includes('show') ? [...args, tenant.id] : args, /Acme/);
    const parsed = JSON.parse(stdout);
    expect((Array.isArray(parsed) ? parsed[0] : parsed).name).toBe(hidden);
    if (!Array.isArray(parsed)) expect(parsed.suspendedReason).toBe(everything);
  });
});
