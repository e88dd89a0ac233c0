import { type Command, InvalidArgumentError } from 'commander';

/** Collects the values of an option that may be given several times. */
export function collect(one: string, earlier: string[]): string[] {
  return [...earlier, one];
}

export function readWholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

/** The number of gateway processes. */
export function readWorkers(text: string): number {
  const number = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > 64) throw new InvalidArgumentError('Expected a whole number from 1 to 64.');
  return number;
}

/** An option as data. */
export interface OptionOf {
  flag: string;
  description: string;
  /** Default: the text as it is given. */
  read?: ((text: string) => unknown) | undefined;
  isRequired?: true;
}

export function addOptions(command: Command, options: readonly OptionOf[]): Command {
  for (const { flag, description, read = (text: string) => text, isRequired } of options)
    command[isRequired ? 'requiredOption' : 'option'](flag, description, read);
  return command;
}

/** Names of an enum, separated by commas. */
export function readNames(text: string): string[] {
  return text.split(',').map((name) => name.trim().toUpperCase().replaceAll('-', '_'));
}

export function readBoolean(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new InvalidArgumentError('Expected true or false.');
  return text === 'true';
}

export function readDate(text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime()))
    throw new InvalidArgumentError('Expected a date such as 2027-01-31T00:00:00Z.');
  return date;
}

export function readDateOrNow(text: string): Date {
  return text === 'now' ? new Date() : readDate(text);
}

/** Returns a function that updates one progress line on standard error, if that is a terminal. */
export function showProgress(verb: string): (done: number, of: number) => void {
  return (done, of) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${verb} ${done} of ${of}${done === of ? '\n' : ''}`);
  };
}
