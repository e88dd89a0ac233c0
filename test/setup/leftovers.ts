/**
 * What kits clear away whichever test used them. The files of a worker share its modules, so a hook at the top of a kit
 * would be that of the first file alone; setup/every-file.ts runs these for each.
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
