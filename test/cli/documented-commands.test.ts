import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.js';

const documents = execFileSync('git', ['ls-files', '*.md'], { encoding: 'utf8' }).trim().split('\n');
const program = createProgram();
const nouns = program.commands.map((command) => command.name()).join('|');

interface Documented {
  /** What follows `tenant-registry`. */
  text: string;
  /** Whether it is to be typed as it stands, and no name of a command in a sentence. */
  isComplete: boolean;
}

function commandsIn(document: string): Documented[] {
  const blocks = /^[ \t]*```\w*\n(.*?)^[ \t]*```/gms;
  const text = readFileSync(document, 'utf8');
  const lines = [...text.matchAll(blocks)].flatMap(([, block = '']) =>
    block.replace(/\\\n/g, ' ').split('\n'),
  );
  const typed = lines.flatMap((line) => {
    const [, rest] = /(?:^|[\s;&(/])(?<!--namespace )tenant-registry(?:\.js)? ([a-z].*)/.exec(line) ?? [];
    return rest ? [{ text: rest, isComplete: true }] : [];
  });
  const isRunbook = document === 'docs/runbook.md';
  const spans = [...text.replace(blocks, '').matchAll(/`([^`]+)`/g)].flatMap(([, span = '']) => {
    const form = isRunbook ? `^(?:tenant-registry )?((?:${nouns})(?: .*)?)$` : '^tenant-registry ([a-z].*)$';
    const [, rest] = new RegExp(form, 's').exec(span) ?? [];
    return rest ? [{ text: rest, isComplete: isRunbook }] : [];
  });
  return [...typed, ...spans];
}

/** Why the command line refuses a command, or undefined. A runbook also names arguments that may be left out: they say which one is meant. */
function problemOf({ text, isComplete }: Documented, isRunbook: boolean): string | undefined {
  const words: string[] =
    text.replace(/\s[|>#&;].*/s, '').match(/(?:"[^"]*"|'[^']*'|<[^>]*>|[^\s"'<])+/g) ?? [];
  let command: Command = program;
  let next = words.shift();
  for (; next; next = words.shift()) {
    const below = command.commands.find((one) => one.name() === next);
    if (!below) break;
    command = below;
  }
  if (next) words.unshift(next);
  const given: string[] = [];
  const options = new Set<string>();
  for (let word = words.shift(); word; word = words.shift()) {
    if (!/^-/.test(word)) {
      given.push(word);
      continue;
    }
    const [flag, value] = word.split('=');
    const option = [...command.options, ...program.options].find(
      ({ short, long }) => flag === short || flag === long,
    );
    if (flag === '--help') return undefined;
    if (flag === '--') break;
    if (!option) return `has no option ${flag}`;
    options.add(option.attributeName());
    if (option.required && value === undefined && words.shift() === undefined)
      return `has no value for ${flag}`;
  }
  if (command.commands.length > 0 && given.length > 0) return `has no command ${given[0]}`;
  const isName = given.length === 0 && options.size === 0 && !isComplete;
  if (isName || /…|\.\.\./.test(text)) return undefined;
  const { registeredArguments: wanted } = command;
  if (given.length > wanted.length && !wanted.at(-1)?.variadic) return 'has too many arguments';
  const missing = wanted
    .slice(given.length)
    .find(({ required, variadic }) => required || (isRunbook && !variadic));
  if (missing) return `needs <${missing.name()}>`;
  const option = command.options.find((one) => one.mandatory && !options.has(one.attributeName()));
  return option && `needs ${option.flags}`;
}

describe('a command that a document names', () => {
  test('exists, and has its arguments and options', () => {
    const found = documents.flatMap((document) =>
      commandsIn(document).map((command) => ({ document, command })),
    );
    expect(found.length).toBeGreaterThan(100);
    const problems = found.flatMap(({ document, command }) => {
      const problem = problemOf(command, document === 'docs/runbook.md');
      return problem ? [`${document}: ${command.text}: ${problem}`] : [];
    });
    expect(problems).toEqual([]);
  });

  test.each([
    ['operation retry', 'needs <id>'],
    ['operation retry <id> --wait', 'has no option --wait'],
    ['operation mend <id>', 'has no command mend'],
    ['operation list --status', 'has no value for --status'],
    ['operation show <id> <id>', 'has too many arguments'],
    ['rollout status', 'needs <rollout>'],
    ['rollout skip finance', 'needs <tenant>'],
    ['rollout skip finance "acme corp" --reason paid', undefined],
  ])('%s: %s', (text, problem) => {
    expect(problemOf({ text, isComplete: true }, true)).toBe(problem);
  });
});
