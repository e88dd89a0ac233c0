/** For options that may be given several times. */
export function collect(one: string, earlier: string[]): string[] {
  return [...earlier, one];
}

/** One line that is written over, and only where somebody sees it. */
export function showProgress(verb: string): (done: number, of: number) => void {
  return (done, of) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${verb} ${done} of ${of}${done === of ? '\n' : ''}`);
  };
}
