const codes = { green: 32, yellow: 33, red: 31, dim: 2, bold: 1 } as const;

/** The sequences that `paint` writes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences begin with ESC
export const colorSequence = /\x1b\[(?:0|1|2|31|32|33)m/;

export type Color = keyof typeof codes;

/** Colours the text if the stream is a terminal and NO_COLOR is not set (no-color.org). */
export function paint(
  color: Color | undefined,
  text: string,
  stream: NodeJS.WriteStream = process.stdout,
): string {
  if (color === undefined || !hasColors(stream)) return text;
  return `\x1b[${codes[color]}m${text}\x1b[0m`;
}

function hasColors(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
}

/** The colour of a status of a tenant, subscription, operation or step. */
export function colorOf(status: string): Color | undefined {
  if (/^(ACTIVE|SUCCEEDED)$/.test(status)) return 'green';
  if (/^(FAILED|NEEDS_ATTENTION|COMPENSATED)$/.test(status)) return 'red';
  if (/^(DELETED|PURGED|CANCELLED)$/.test(status)) return 'dim';
  return 'yellow';
}
