const pauseMs = 1_000;

/** The gateway has another version of the page. */
export class CodeGone extends Error {
  override readonly name = 'CodeGone';

  constructor(cause: unknown) {
    super('The gateway has a newer version of this page', { cause });
  }
}

/**
 * Loads code of the page. While the gateway does not answer, it waits and tries again. Throws CodeGone when the gateway answers and has
 * no such code any more, because it was updated.
 */
export async function loadCode<Loaded>(load: () => Promise<Loaded>): Promise<Loaded> {
  for (;;) {
    try {
      return await load();
    } catch (error) {
      if (await isAnswering()) return await load().catch(() => Promise.reject(new CodeGone(error)));
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

/** Whether there is any answer, also a refusal. */
async function isAnswering(): Promise<boolean> {
  try {
    await fetch(import.meta.url, { method: 'HEAD', cache: 'no-store', credentials: 'omit' });
    return true;
  } catch {
    return false;
  }
}
