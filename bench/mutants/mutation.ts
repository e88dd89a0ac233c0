import { createHash } from 'node:crypto';

/** One change of a text. Mutations with the same `site` are variants of one mistake: a sample holds at most one of them. */
export interface Mutation {
  operator: string;
  site: number;
  start: number;
  end: number;
  replacement: string;
}

export interface Mutant extends Mutation {
  /** Names the mutant as long as its line stays as it is, wherever in the file the line moves to. */
  id: string;
  file: string;
  line: number;
}

export function applyMutation(source: string, { start, end, replacement }: Mutation): string {
  return source.slice(0, start) + replacement + source.slice(end);
}

/** Gives the mutations of one file their ids. Equal mutations of equal lines are told apart by their order. */
export function nameMutants(file: string, source: string, mutations: readonly Mutation[]): Mutant[] {
  const seen = new Map<string, number>();
  return mutations.map((mutation) => {
    const { operator, start, end, replacement } = mutation;
    const lineStart = source.lastIndexOf('\n', start - 1) + 1;
    const content = [
      lineAt(source, start),
      start - lineStart - indentAt(source, lineStart),
      end - start,
      replacement,
    ];
    const hash = createHash('sha256')
      .update(JSON.stringify([operator, ...content]))
      .digest('hex')
      .slice(0, 8);
    const nth = (seen.get(hash) ?? 0) + 1;
    seen.set(hash, nth);
    const line = source.slice(0, start).split('\n').length;
    return { ...mutation, id: `${file}#${operator}-${hash}${nth > 1 ? `.${nth}` : ''}`, file, line };
  });
}

/** The lines that the mutation touches, before and after. */
export function showMutation(source: string, mutation: Mutation): string {
  const from = source.lastIndexOf('\n', mutation.start - 1) + 1;
  const end = source.indexOf('\n', mutation.end);
  const to = end < 0 ? source.length : end;
  const before = source.slice(from, to);
  const after = source.slice(from, mutation.start) + mutation.replacement + source.slice(mutation.end, to);
  return [...shorten(before).map((line) => `- ${line}`), ...shorten(after).map((line) => `+ ${line}`)].join(
    '\n',
  );
}

function shorten(text: string): string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.length > 8 ? [...lines.slice(0, 4), '…', ...lines.slice(-3)] : lines;
}

function lineAt(source: string, position: number): string {
  const from = source.lastIndexOf('\n', position - 1) + 1;
  const to = source.indexOf('\n', position);
  return source.slice(from, to < 0 ? source.length : to).trim();
}

function indentAt(source: string, lineStart: number): number {
  return /^[ \t]*/.exec(source.slice(lineStart))?.[0].length ?? 0;
}
