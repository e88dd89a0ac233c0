/**
 * Sends requests at a constant rate, whether the answers keep up or not: a client that waits for its answers would send
 * less as soon as the server is slow. A process of its own; takes orders by messages, one after the other.
 */
import { connect, type Socket } from 'node:net';

export interface Order {
  url: string;
  /** Whole HTTP requests, sent in turns. */
  requests: string[];
  /** Requests per second; undefined: each of the connections sends its next request after the answer. */
  rate: number | undefined;
  connections: number;
  seconds: number;
  /** The first part of the time, which does not count. */
  warmUpSeconds: number;
}

export interface Times {
  count: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

export interface Outcome {
  answered: Times;
  refused: Times;
  /** Lost connections and other statuses. */
  failed: number;
  /** Requests that were still without an answer at the end. */
  open: number;
}

interface Sent {
  request: string;
  /** When it was due, which is before it was sent if no connection was free. */
  dueAt: number;
}

class Client {
  readonly #order: Order;
  readonly #free: Socket[] = [];
  readonly #queue: Sent[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #countFrom: number;
  #turn = 0;
  #isOver = false;
  readonly answered: number[] = [];
  readonly refused: number[] = [];
  failed = 0;

  constructor(order: Order) {
    this.#order = order;
    this.#countFrom = performance.now() + order.warmUpSeconds * 1_000;
  }

  get open(): number {
    return this.#queue.length + this.#sockets.size - this.#free.length;
  }

  send(dueAt: number): void {
    const { requests, connections } = this.#order;
    const request = requests[this.#turn++ % requests.length] as string;
    const socket = this.#free.pop() ?? (this.#sockets.size < connections ? this.#connect() : undefined);
    if (socket) this.#sendOn(socket, { request, dueAt });
    else this.#queue.push({ request, dueAt });
  }

  close(): void {
    this.#isOver = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #connect(): Socket {
    const { hostname, port } = new URL(this.#order.url);
    const socket = connect(Number(port), hostname).setNoDelay(true);
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      const at = this.#free.indexOf(socket);
      if (at >= 0) this.#free.splice(at, 1);
      else if (!this.#isOver) this.failed++;
    });
    return socket;
  }

  #sendOn(socket: Socket, { request, dueAt }: Sent): void {
    let text = '';
    const onData = (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const body = text.indexOf('\r\n\r\n') + 4;
      if (body < 4 || text.length < body + Number(/^content-length: (\d+)/im.exec(text)?.[1])) return;
      socket.off('data', onData);
      this.#finish(socket, text.slice(9, 12), dueAt);
    };
    socket.on('data', onData);
    socket.write(request);
  }

  #finish(socket: Socket, status: string, dueAt: number): void {
    const now = performance.now();
    if (now >= this.#countFrom) {
      if (status === '200') this.answered.push(now - dueAt);
      else if (status === '503') this.refused.push(now - dueAt);
      else this.failed++;
    }
    if (this.#isOver) return;
    const next = this.#queue.shift();
    if (next) {
      this.#sendOn(socket, next);
      return;
    }
    this.#free.push(socket);
    if (this.#order.rate === undefined) this.send(now);
  }
}

async function carryOut(order: Order): Promise<Outcome> {
  const client = new Client(order);
  const { rate, connections } = order;
  const startedAt = performance.now();
  const endsAt = startedAt + order.seconds * 1_000;
  let sent = 0;
  if (rate === undefined) for (let at = 0; at < connections; at++) client.send(startedAt);
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const now = performance.now();
      if (rate !== undefined) {
        const due = ((Math.min(now, endsAt) - startedAt) / 1_000) * rate;
        for (; sent < due; sent++) client.send(startedAt + (sent / rate) * 1_000);
      }
      if (now < endsAt) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  const { open } = client;
  client.close();
  const { answered, refused, failed } = client;
  return { answered: timesOf(answered), refused: timesOf(refused), failed, open };
}

function timesOf(taken: number[]): Times {
  taken.sort((one, other) => one - other);
  const at = (part: number) =>
    taken[Math.min(taken.length - 1, Math.floor(taken.length * part))] ?? Number.NaN;
  return { count: taken.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

process.on('message', (order: Order) => {
  void carryOut(order).then((outcome) => process.send?.(outcome));
});
