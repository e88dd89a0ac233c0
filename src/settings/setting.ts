/** One environment variable of the product. */
export interface Setting {
  /** The value that counts when the variable is not set; a description where it is not a fixed text. */
  default: string;
  /** The accepted values, for documents and for the message about a wrong value. */
  expected: string;
  meaning: string;
  /** The value may hold a password, so no message repeats it. */
  isSecret?: true;
}

export function wholeNumber(min: number, max: number) {
  return { min, max, expected: `a whole number from ${min} to ${max}` };
}

export function oneOf<const Values extends readonly string[]>(...values: Values) {
  return { values, expected: `one of ${values.join(', ')}` };
}
