import { once } from 'node:events';
import { createServer, connect as openSocket, type Socket } from 'node:net';
import { findFreePort } from './free-port.js';

/** A network between a client and a server on this machine that fails on demand. */
export interface TcpProxy extends AsyncDisposable {
  /** Clients connect here, on 127.0.0.1; the same for as long as the proxy lives. */
  port: number;
  /** From now on whatever goes to the server arrives that much later, in order; 0: at once. */
  delay(ms: number): void;
  /** Ends all connections and refuses new ones. */
  cut(): Promise<void>;
  /** Connections stay and new ones are accepted, but nothing passes; `heal` delivers what was held back. */
  blackhole(): void;
  /** Resets (RST) the connections of this moment. New ones are welcome. */
  reset(): void;
  /** Leads new connections to another server. */
  redirect(targetPort: number): void;
  /** Back to a network without faults; what was delayed arrives at once. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

interface Link {
  client: Socket;
  server: Socket;
  /** Chunks on their way to the server, oldest first. */
  late: { chunk: Buffer; timer: NodeJS.Timeout }[];
}

export async function openTcpProxy(targetPort: number): Promise<TcpProxy> {
  const links = new Set<Link>();
  let leadsTo = targetPort;
  let delayMs = 0;
  let isBlackhole = false;

  const listener = createServer((client) => {
    const server = openSocket(leadsTo, '127.0.0.1');
    const link: Link = { client, server, late: [] };
    links.add(link);
    client.on('data', (chunk) => {
      if (delayMs === 0 && link.late.length === 0) return void server.write(chunk);
      link.late.push({ chunk, timer: setTimeout(() => arrive(link), delayMs) });
    });
    server.on('data', (chunk) => void client.write(chunk));
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      // Whatever happened, the connection is over: a server that refuses looks like one that hangs up.
      socket.on('error', () => undefined);
      if (isBlackhole) socket.pause();
    }
    server.on('close', () => end(link));
    // What the client had sent before it left arrives all the same.
    client.on('close', () => link.late.length === 0 && end(link));
  });

  function arrive(link: Link): void {
    const next = link.late.shift();
    if (next) link.server.write(next.chunk);
    if (link.late.length === 0 && link.client.destroyed) link.server.end();
  }

  function end(link: Link): void {
    links.delete(link);
    for (const { timer } of link.late.splice(0)) clearTimeout(timer);
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
    cut,
    blackhole() {
      isBlackhole = true;
      for (const { client, server } of links) {
        client.pause();
        server.pause();
      }
    },
    reset() {
      for (const { client } of links) client.resetAndDestroy();
    },
    redirect(port) {
      leadsTo = port;
    },
    async heal() {
      delayMs = 0;
      isBlackhole = false;
      if (!listener.listening) await listen();
      for (const link of links) {
        for (const { timer } of link.late) clearTimeout(timer);
        while (link.late.length > 0) arrive(link);
        link.client.resume();
        link.server.resume();
      }
    },
    close: cut,
    [Symbol.asyncDispose]: cut,
  };
}
