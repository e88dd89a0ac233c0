import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Sends a message to a child process and returns its answer. Throws when it ends instead. */
export async function askChild<Answer>(child: ChildProcess, message: object | string): Promise<Answer> {
  const over = new AbortController();
  const { signal } = over;
  const ended = once(child, 'exit', { signal }).then(() => undefined);
  const answered = once(child, 'message', { signal });
  for (const waiting of [ended, answered]) waiting.catch(() => undefined);
  child.send(message);
  try {
    const answer = await Promise.race([answered, ended]);
    if (!answer) throw new Error('the child process ended without an answer');
    return answer[0] as Answer;
  } finally {
    over.abort();
  }
}
