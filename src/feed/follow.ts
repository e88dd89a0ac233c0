import type { Log } from '../log.js';
import type { Follower } from './follower.js';

/** How often the log is asked without a hint, in milliseconds. */
const pollIntervalMs = 500;

export interface Following {
  /** Something may have changed: ask now. Only makes things faster. */
  hint(): void;
  stop(): Promise<void>;
}

/** Keeps a follower polling. The first poll is over when this resolves, whether it succeeded or not. */
export async function startFollowing(follower: Follower, log: Log): Promise<Following> {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let isFailing = false;

  const poll = () =>
    follower.poll().then(
      () => {
        if (isFailing) log.info('the change log can be read again');
        isFailing = false;
      },
      (error) => {
        // One line when it begins, not two a second: the lease and /ready say the rest.
        if (!isFailing)
          log.warn({ err: error }, 'the change log can’t be read; cached answers end with the lease');
        isFailing = true;
      },
    );
  const tick = async () => {
    await poll();
    if (!isStopped) timer = setTimeout(tick, pollIntervalMs);
  };
  await tick();

  return {
    hint: () => void poll(),
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      // Without the database there is nobody to say goodbye to; the row is removed by whoever waits for it in vain.
      await follower.stop().catch((error) => log.debug({ err: error }, 'could not sign off'));
    },
  };
}
