import { once } from 'node:events';
import { createServer, connect as openSocket, type Socket } from 'node:net';
import { findFreePort } from './free-port.js';

/** A network between a client and a server on this machine that fails on demand. */
export interface TcpProxy extends AsyncDisposable {
  /** Clients connect here, on 127.0.0.1; the same for as long as the proxy lives. */
  port: number;
  /** From now on whatever goes to the server arrives that much later, in order; 0: at once. */
  delay(ms: number): void;
  /** The same for what the server answers, to HTTP requests whose head matches if that is given. */
  delayAnswers(ms: number, to?: RegExp): void;
  /** Ends all connections and refuses new ones. */
  cut(): Promise<void>;
  /** Connections stay and new ones are accepted, but nothing passes; `heal` delivers what was held back. */
  blackhole(): void;
  /** Resets (RST) the connections of this moment, or those on which such an HTTP request is answered. New ones are welcome. */
  reset(those?: RegExp): void;
  /** Leads new connections to another server. */
  redirect(targetPort: number): void;
  /** Back to a network without faults; what was delayed arrives at once. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

/** One direction of a connection. */
interface Lane {
  to: Socket;
  /** Chunks on their way, oldest first. */
  late: { chunk: Buffer; timer: NodeJS.Timeout }[];
}

interface Link {
  client: Socket;
  server: Socket;
  questions: Lane;
  answers: Lane;
  /** Head of the HTTP request that was sent last. */
  asked: string;
}

const anything = /(?:)/;

export async function openTcpProxy(targetPort: number): Promise<TcpProxy> {
  const links = new Set<Link>();
  let leadsTo = targetPort;
  let delayMs = 0;
  let answers = { delayMs: 0, to: anything };
  let isBlackhole = false;

  const listener = createServer((client) => {
    const server = openSocket(leadsTo, '127.0.0.1');
    const link: Link = {
      ...{ client, server, asked: '' },
      questions: { to: server, late: [] },
      answers: { to: client, late: [] },
    };
    links.add(link);
    client.on('data', (chunk) => {
      if (/^(GET|POST) /.test(chunk.toString('latin1', 0, 5))) link.asked = chunk.toString('latin1');
      carry(link, link.questions, chunk, delayMs);
    });
    server.on('data', (chunk) =>
      carry(link, link.answers, chunk, answers.to.test(link.asked) ? answers.delayMs : 0),
    );
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      // Whatever happened, the connection is over: a server that refuses looks like one that hangs up.
      socket.on('error', () => undefined);
      if (isBlackhole) socket.pause();
    }
    server.on('close', () => end(link));
    // What the client had sent before it left arrives all the same.
    client.on('close', () => link.questions.late.length === 0 && end(link));
  });

  function carry(link: Link, lane: Lane, chunk: Buffer, ms: number): void {
    if (ms === 0 && lane.late.length === 0) lane.to.write(chunk);
    else lane.late.push({ chunk, timer: setTimeout(() => arrive(link, lane), ms) });
  }

  function arrive(link: Link, lane: Lane): void {
    const next = lane.late.shift();
    if (next && !lane.to.destroyed) lane.to.write(next.chunk);
    if (link.questions.late.length === 0 && link.client.destroyed) link.server.end();
  }

  function end(link: Link): void {
    links.delete(link);
    for (const { late } of [link.questions, link.answers])
      for (const { timer } of late.splice(0)) clearTimeout(timer);
    link.client.destroy();
    link.server.destroy();
  }

  async function listen(): Promise<void> {
    listener.listen(port, '127.0.0.1');
    await once(listener, 'listening');
  }

  async function cut(): Promise<void> {
    const closed = listener.listening ? new Promise((done) => listener.close(done)) : undefined;
    for (const link of links) end(link);
    await closed;
  }

  const port = await findFreePort();
  await listen();
  return {
    port,
    delay(ms) {
      delayMs = ms;
    },
    delayAnswers(ms, to = anything) {
      answers = { delayMs: ms, to };
    },
    cut,
    blackhole() {
      isBlackhole = true;
      for (const { client, server } of links) {
        client.pause();
        server.pause();
      }
    },
    reset(those = anything) {
      for (const { client, asked } of links) if (those.test(asked)) client.resetAndDestroy();
    },
    redirect(port) {
      leadsTo = port;
    },
    async heal() {
      delayMs = 0;
      answers = { delayMs: 0, to: anything };
      isBlackhole = false;
      if (!listener.listening) await listen();
      for (const link of links) {
        for (const lane of [link.questions, link.answers]) {
          for (const { timer } of lane.late) clearTimeout(timer);
          while (lane.late.length > 0) arrive(link, lane);
        }
        link.client.resume();
        link.server.resume();
      }
    },
    close: cut,
    [Symbol.asyncDispose]: cut,
  };
}
