import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { openClientConfigs } from '../../../src/importing/yaml/client-configs.js';
import { openLog } from '../../../src/log.js';
import { readTenantConfig } from '../../../src/profile/config/tenant-config.js';
import { strictConfigRules } from '../../../src/registry/values/config-rules.js';
import { hostileText, mutateText, type Outcome, pick, type Random } from './mutate.js';

const fixtures = new URL('../../fixtures/clients', import.meta.url).pathname;
const batch = 250;

/** Serves fuzzed client.yaml files, and compares each served configuration with its file. */
export async function fuzzClientFiles(count: number, random: Random): Promise<Outcome> {
  const outcome: Outcome = { tried: 0, compared: 0, wrong: [] };
  const corpus = await readCorpus();
  while (outcome.tried < count) {
    const folder = await mkdtemp(join(tmpdir(), 'tenant-registry-fuzz-'));
    const files = new Map<string, Uint8Array>();
    for (; files.size < batch && outcome.tried < count; outcome.tried++) {
      const { id, text } = pick(random, corpus);
      const own = `${id.replace(/[^a-z]/g, '').slice(0, 20)}-f${files.size}`;
      files.set(own, fuzzFile(random, text.replaceAll(id, own), pick(random, corpus).text));
    }
    for (const [id, content] of files) {
      await mkdir(join(folder, id));
      await writeFile(join(folder, id, 'client.yaml'), content);
    }
    const configs = await openClientConfigs({ folder, rules: strictConfigRules, log: openLog('silent') });
    try {
      if (configs.all().length !== files.size)
        outcome.wrong.push(`${configs.all().length} of ${files.size} files were read`);
      for (const { id, config, problems } of configs.all()) {
        outcome.compared++;
        const problem = config && describeProblem(id, config, files.get(id) ?? Buffer.of());
        if (problem) outcome.wrong.push(`${id}: ${problem}`);
        if (!config && problems.length === 0)
          outcome.wrong.push(`${id}: neither a configuration nor a problem`);
      }
    } finally {
      await configs.close();
      await rm(folder, { recursive: true });
    }
  }
  return outcome;
}

async function readCorpus(): Promise<{ id: string; text: string }[]> {
  const ids = await readdir(fixtures);
  const texts = await Promise.all(
    ids.map((id) =>
      readFile(join(fixtures, id, 'client.yaml'), 'utf8').then(
        (text) => ({ id, text }),
        () => undefined,
      ),
    ),
  );
  return texts.filter((found) => found !== undefined);
}

function fuzzFile(random: Random, text: string, other: string): Uint8Array {
  const lines = text.split('\n');
  const at = random(lines.length);
  const line = lines[at] ?? '';
  const changed = pick(random, [
    () => text,
    () => mutateText(random, text, other),
    () => lines.toSpliced(at, 1).join('\n'),
    () => lines.toSpliced(at, 0, line).join('\n'),
    () => lines.toSpliced(at, 1, pick(random, other.split('\n'))).join('\n'),
    () => lines.toSpliced(at, 1, line.replace(/: .*$/, `: ${hostileText(random)}`)).join('\n'),
    () => lines.toSpliced(at, 1, line.replace(/: .*$/, `: ${pick(random, yamlValues)}`)).join('\n'),
    () => lines.toSpliced(at, 1, `${' '.repeat(random(9))}${line.trim()}`).join('\n'),
  ])();
  const bytes = Buffer.from(changed);
  if (random(10) > 0) return bytes;
  // Bytes that are not UTF-8.
  return Buffer.concat([
    bytes.subarray(0, random(bytes.length + 1)),
    Buffer.of(0xff, random(256)),
    bytes.subarray(at),
  ]);
}

const yamlValues = [
  ...[
    '&a [*a]',
    '!!binary aGk=',
    '!!js/function "x"',
    '*nowhere',
    '<<: {a: 1}',
    '{a: 1, a: 2}',
    '.inf',
    '.nan',
    '0o7',
    '1_000',
  ],
  ...[
    '2026-01-01',
    '|-\n  a',
    '[1, 2',
    '? x',
    '"\\u0000"',
    'sk_live_4eC39HqLyjWDarjtT1zdp7dc',
    `\${DATABASE_URL}`,
    '~',
    '- a',
  ],
];

/** Why the configuration is not what the file says: a value that is not in it, a secret, or a shape that commands refuse. */
function describeProblem(id: string, config: unknown, content: Uint8Array): string | undefined {
  let said: string[];
  // A text keeps the spelling of its file: "0o7" where YAML alone would read 7.
  const source = Buffer.from(content).toString();
  try {
    said = scalarsOf(
      parse(new TextDecoder('utf-8', { fatal: true }).decode(content), { merge: true, maxAliasCount: 100 }),
    ).map(String);
  } catch (error) {
    return `served, although its file is not readable: ${error}`;
  }
  try {
    readTenantConfig(config, { slug: id, ...strictConfigRules });
  } catch (error) {
    return `served, although a command refuses it: ${error}`;
  }
  const known = new Set(said);
  const invented = scalarsOf(config).filter(
    (value) =>
      !known.has(String(value)) &&
      !(typeof value === 'string' && value !== '' && source.includes(value)) &&
      !(typeof value === 'string' && isReplacement(value, said)),
  );
  return invented.length > 0 ? `served ${JSON.stringify(invented[0])}, which is not in the file` : undefined;
}

/** A text in which secrets were replaced by references; what remains of it is in the file. */
function isReplacement(value: string, said: readonly string[]): boolean {
  if (!/\$\{[A-Z][A-Z0-9_]*\}/.test(value)) return false;
  const parts = value.split(/\$\{[A-Z][A-Z0-9_]*\}/);
  return said.some((text) => parts.every((part) => text.includes(part)));
}

function scalarsOf(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [value];
  return Object.values(value).flatMap(scalarsOf);
}
