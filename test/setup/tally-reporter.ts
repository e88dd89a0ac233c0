import { stripVTControlCharacters } from 'node:util';
import type { Reporter, SerializedError, TestModule, TestRunEndReason } from 'vitest/node';

/** Prints the names of what failed, each with its error, and, as the last line of a run, `N passed, N failed, N skipped`. */
export default class TallyReporter implements Reporter {
  private readonly tally = { passed: 0, failed: 0, skipped: 0 };
  private readonly failures: string[] = [];
  private finished = false;

  constructor() {
    // Printed at exit, because servers that close after the tests may still print.
    process.on('exit', (exitCode) => {
      const failed = this.tally.failed || (this.finished && exitCode === 0 ? 0 : 1);
      for (const name of this.failures) process.stdout.write(`Failed: ${name}\n`);
      process.stdout.write(`${this.tally.passed} passed, ${failed} failed, ${this.tally.skipped} skipped\n`);
    });
  }

  onTestRunEnd(
    modules: readonly TestModule[],
    unhandled: readonly unknown[],
    reason: TestRunEndReason,
  ): void {
    this.finished = reason !== 'interrupted';
    // An error of a worker arrives as an object without a prototype.
    for (const error of unhandled) this.fail((error as { message?: string }).message ?? 'an unhandled error');
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed' || state === 'skipped') this.tally[state] += 1;
        else this.fail(`${module.relativeModuleId} > ${test.fullName}`, test.result().errors);
      }
      // A file that does not load and a hook that throws fail no test, but they prevent tests from running.
      for (const suite of module.children.allSuites())
        if (suite.errors().length > 0)
          this.fail(`${module.relativeModuleId} > ${suite.fullName}`, suite.errors());
      if (module.errors().length > 0) this.fail(module.relativeModuleId, module.errors());
    }
  }

  private fail(name: string, errors: readonly SerializedError[] = []): void {
    this.tally.failed += 1;
    // On one line and without colors, so that a summary of many runs can show it.
    const reasons = errors.map(({ message, diff }) => stripVTControlCharacters(`${message} ${diff ?? ''}`));
    this.failures.push([name, ...reasons].join(': ').replaceAll(/\s+/g, ' ').slice(0, 600));
  }
}
