import type { Log } from '../log.js';
import type { Follower } from './follower.js';
import type { Standbys } from './standbys.js';

/** Interval of the regular polls, in milliseconds. */
const pollIntervalMs = 500;

export interface Following {
  /** Something may have changed: poll now. This only makes changes visible earlier. */
  hint(): void;
  stop(): Promise<void>;
}

/** Keeps a follower polling. Resolves after the first poll, whether it succeeded or not. */
export async function startFollowing(follower: Follower, log: Log, standbys?: Standbys): Promise<Following> {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let isFailing = false;
  let lacked = false;

  /** One line when it begins, and one when it ends. */
  const watchStandbys = () => {
    const lack = standbys?.lack;
    if (lack !== undefined && !lacked) log.warn(`${lack}. Until then this gateway gets no new lease`);
    if (lack === undefined && lacked) log.info('enough synchronous standbys confirm changes again');
    lacked = lack !== undefined;
  };

  const poll = () =>
    follower.poll().then(
      () => {
        if (isFailing) log.info('the change log can be read again');
        isFailing = false;
        watchStandbys();
      },
      (error) => {
        // One line per outage instead of two per second; the lease and /ready show the rest.
        if (!isFailing)
          log.warn(
            { err: error },
            'the change log can’t be read; cached entries are used until the lease ends',
          );
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
      // Without the database the row cannot be removed. The next mutation that waits for this replica removes it.
      await follower.stop().catch((error) => log.debug({ err: error }, 'could not remove the replica’s row'));
    },
  };
}
