/** Lines at the end of the output of a terminal, which are drawn again in their place. */
export class LiveLines {
  readonly #stream: NodeJS.WriteStream;
  #drawn = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /** Whether so many lines can be drawn again: only on a terminal with room for them. */
  fits(count: number): boolean {
    const { isTTY, rows } = this.#stream;
    return isTTY === true && process.env.TERM !== 'dumb' && count < (rows || 24) - 1;
  }

  get width(): number {
    return (this.#stream.columns || 80) - 1;
  }

  /** Each line must fit the width, also with its colours. */
  draw(lines: readonly string[]): void {
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : '';
    // Lines of the drawing before that are no longer there are cleared, too.
    this.#stream.write(`${up}${lines.map((line) => `\x1b[2K${line}\n`).join('')}\x1b[J`);
    this.#drawn = lines.length;
  }
}
