import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node';

/** Prints `N passed, N failed, N skipped` as the last line of a run. */
export default class TallyReporter implements Reporter {
  private readonly tally = { passed: 0, failed: 0, skipped: 0 };
  private finished = false;

  constructor() {
    // Printed at exit, because servers that close after the tests may still print.
    process.on('exit', (exitCode) => {
      const failed = this.tally.failed || (this.finished && exitCode === 0 ? 0 : 1);
      process.stdout.write(`${this.tally.passed} passed, ${failed} failed, ${this.tally.skipped} skipped\n`);
    });
  }

  onTestRunEnd(
    modules: readonly TestModule[],
    unhandled: readonly unknown[],
    reason: TestRunEndReason,
  ): void {
    this.finished = reason !== 'interrupted';
    this.tally.failed = unhandled.length;
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed' || state === 'skipped') this.tally[state] += 1;
        else this.tally.failed += 1;
      }
      // A file that does not load and a hook that throws fail no test, but they prevent tests from running.
      const brokenSuites = [...module.children.allSuites()].filter((suite) => suite.errors().length > 0);
      this.tally.failed += brokenSuites.length + (module.errors().length > 0 ? 1 : 0);
    }
  }
}
