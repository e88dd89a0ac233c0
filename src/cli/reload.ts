/** What a running gateway takes over without a restart: log levels and CORS origins. */
import { type Config, readConfig } from '../config.js';
import { debugLevels, type Log, setLevels } from '../log.js';
import type { LogLevels } from '../settings/log-levels.js';
import { environmentWithFile } from './config/env-file.js';

/** Settings that can change while a process runs. */
type Reloadable = Pick<Config, 'logLevel' | 'corsOrigins'>;

/** Parts that are undefined stay as they are. */
export interface SettingsChange {
  /** Whether all lines down to `debug` are written, whatever LOG_LEVEL says. */
  isDebug?: boolean;
  settings?: Reloadable;
}

/** The settings of a process that signals change: SIGHUP reads them again, SIGUSR2 switches to `debug` and back. */
export class RunningSettings {
  readonly #log: Log;
  readonly #takers = new Set<(change: SettingsChange) => void>();
  #levels: LogLevels;
  #isDebug = false;

  constructor({ logLevel }: Reloadable, log: Log) {
    this.#log = log;
    this.#levels = logLevel;
  }

  /** Calls `take` with each change from now on. */
  onChange(take: (change: SettingsChange) => void): void {
    this.#takers.add(take);
  }

  apply(change: SettingsChange): void {
    this.#isDebug = change.isDebug ?? this.#isDebug;
    this.#levels = change.settings?.logLevel ?? this.#levels;
    setLevels(this.#log, this.#isDebug ? debugLevels : this.#levels);
    for (const take of this.#takers) take(change);
  }

  /** For SIGUSR2. */
  toggleDebug(): void {
    this.apply({ isDebug: !this.#isDebug });
    this.#log.warn(
      this.#isDebug
        ? 'SIGUSR2: the level of all log lines is debug until the next SIGUSR2'
        : 'SIGUSR2: log levels are those of LOG_LEVEL again',
    );
  }

  /** For SIGHUP: reads the file of --env-file and files with values again. When one of them is wrong, nothing changes. */
  reload(): void {
    try {
      const { logLevel, corsOrigins } = readConfig(environmentWithFile());
      this.apply({ settings: { logLevel, corsOrigins } });
      this.#log.info({ corsOrigins }, 'SIGHUP: read the settings again');
    } catch (error) {
      const problems = (error instanceof Error ? error.message : String(error)).split('\n');
      this.#log.error({ problems }, 'SIGHUP: a setting is wrong, so nothing was changed');
    }
  }
}
