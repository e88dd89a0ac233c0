/**
 * Cleanup of support files. The test files of a worker share modules, so a hook that a support file registers when it is loaded
 * would run for the first test file only; setup/every-file.ts runs these functions for each file.
 */
type Clear = () => Promise<unknown>;

const afterFile: Clear[] = [];
const afterTest: Clear[] = [];

export function clearAfterFile(clear: Clear): void {
  afterFile.push(clear);
}

export function clearAfterTest(clear: Clear): void {
  afterTest.push(clear);
}

export async function clearFile(): Promise<void> {
  for (const clear of afterFile) await clear();
}

export async function clearTest(): Promise<void> {
  for (const clear of afterTest) await clear();
}
