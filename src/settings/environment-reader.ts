import {
  type Choice,
  type ChoiceSetting,
  describeWrongValue,
  type NumberSetting,
  type SettingName,
  settings,
} from './settings.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads single variables and collects their problems. A wrong number is read as NaN, which no comparison complains of. */
export class EnvironmentReader {
  readonly problems: string[] = [];
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** The value without blanks around it; undefined when it is not set, empty or blank. */
  text(name: SettingName): string | undefined {
    return this.#env[name]?.trim() || undefined;
  }

  number(name: NumberSetting): number {
    const text = this.text(name);
    if (text === undefined) return Number(settings[name].default);
    const { min, max } = settings[name];
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    this.problems.push(describeWrongValue(name, text));
    return Number.NaN;
  }

  choice<Name extends ChoiceSetting>(name: Name): Choice<Name> | undefined {
    const text = this.text(name);
    const values: readonly Choice<Name>[] = settings[name].values;
    const value = values.find((one) => one === text);
    if (text !== undefined && value === undefined) this.problems.push(describeWrongValue(name, text));
    return value;
  }

  /** A list separated by commas; undefined when it is not set. */
  list(name: SettingName, isValid: (text: string) => boolean): string[] | undefined {
    const text = this.text(name);
    const list = text?.split(',').map((one) => one.trim());
    if (text !== undefined && !list?.every(isValid)) this.problems.push(describeWrongValue(name, text));
    return list;
  }

  /** A text that `isValid` accepts. */
  checked(name: SettingName, isValid: (text: string) => boolean): string | undefined {
    const text = this.text(name);
    if (text !== undefined && !isValid(text)) this.problems.push(describeWrongValue(name, text));
    return text;
  }
}
