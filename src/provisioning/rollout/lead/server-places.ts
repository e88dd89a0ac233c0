/** A rollout that this process leads, at the server of its module. */
interface Member {
  parallelism: number;
  /** Begins tenants while `take` gives places. */
  begin: () => void;
}

interface Server {
  members: Set<Member>;
  working: number;
  /** Members that were refused a place, in the order in which they get the next ones. */
  queue: Member[];
}

/** The places of one rollout at its server; disposed when the rollout is not led any more. */
export interface Places extends Disposable {
  /** Takes a place; false when there is none, and then `begin` is called when it is this rollout's turn. */
  take(): boolean;
  /** Gives a place back. */
  leave(): void;
}

/**
 * How many tenants this process migrates at the same time on each database server. Rollouts of several modules on one server share
 * the smallest parallelism among them, and take turns.
 */
export class ServerPlaces {
  readonly #servers = new Map<string, Server>();

  /** `server` names the server by host and port. */
  join(server: string, parallelism: number, begin: () => void): Places {
    const at: Server = this.#servers.get(server) ?? { members: new Set(), working: 0, queue: [] };
    this.#servers.set(server, at);
    const member = { parallelism, begin };
    at.members.add(member);
    return {
      take: () => take(at, member),
      leave: () => {
        at.working--;
        offer(at);
      },
      [Symbol.dispose]: () => {
        at.members.delete(member);
        at.queue = at.queue.filter((other) => other !== member);
        if (at.members.size === 0 && at.working === 0) this.#servers.delete(server);
        else offer(at);
      },
    };
  }
}

function hasRoom({ members, working }: Server): boolean {
  return working < Math.min(...[...members].map(({ parallelism }) => parallelism));
}

function take(at: Server, member: Member): boolean {
  const isNext = at.queue.length === 0 || at.queue[0] === member;
  if (!isNext || !hasRoom(at)) {
    if (!at.queue.includes(member)) at.queue.push(member);
    return false;
  }
  if (at.queue[0] === member) at.queue.shift();
  at.working++;
  return true;
}

function offer(at: Server): void {
  while (hasRoom(at)) {
    const [next] = at.queue;
    if (!next) return;
    const { working } = at;
    next.begin();
    // It has no tenant to begin any more.
    if (at.working === working && at.queue[0] === next) at.queue.shift();
  }
}
