import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.js';
import { runHere } from '../setup/command-line.js';
import { languageProblems } from '../setup/plain-language.js';

describe('help of the command line', () => {
  test('describes every command in a plain sentence', () => {
    const commands = withSubcommands(createProgram());
    expect(commands.length).toBeGreaterThan(20);
    const wrong = commands.flatMap((command) =>
      languageProblems(command.description()).map(
        (problem) => `${pathOf(command)} ${problem}: ${command.description()}`,
      ),
    );
    expect(wrong).toEqual([]);
  });

  test('describes every option in a plain phrase, in lower case and without a period', () => {
    const options = withSubcommands(createProgram()).flatMap((command) =>
      command.options.map(({ flags, description }) => ({ of: `${pathOf(command)} ${flags}`, description })),
    );
    expect(options.length).toBeGreaterThan(40);
    const wrong = options.filter(
      ({ description }) =>
        languageProblems(`${description.charAt(0).toUpperCase()}${description.slice(1)}.`).length > 0 ||
        /^[A-Z][a-z]|\.$/.test(description),
    );
    expect(wrong).toEqual([]);
  });
});

describe('a command that only groups others', () => {
  test.each([[[]], [['tenant']], [['keys']], [['import']], [['documents']]])(
    'prints its help and ends with 0: %j',
    async (args) => {
      const { code, stdout, stderr } = await runHere(args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^Usage: tenant-registry /);
    },
  );

  test.each([[['tenant', 'nonsense']], [['tenant', 'show']]])('%j is an error', async (args) => {
    const { code, stdout, stderr } = await runHere(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^error: /);
  });
});

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}
