import { spawnSync } from 'node:child_process';

/** Tests of systemd's units are skipped where systemd is missing, but fail in CI. */
export const skipsSystemd = spawnSync('systemd-analyze', ['--version']).status !== 0 && !process.env.CI;
if (skipsSystemd)
  process.stderr.write(
    '\n>>> TESTS OF UNITS ARE SKIPPED: systemd is missing (apt-get install systemd) <<<\n\n',
  );
