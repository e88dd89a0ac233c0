import { once } from 'node:events';
import { createServer, connect as openSocket, type Socket } from 'node:net';
import { findFreePort } from './free-port.js';

/** A proxy between a client and a server that simulates network faults. */
export interface TcpProxy extends AsyncDisposable {
  /** Port for clients; it never changes. */
  port: number;
  /** Delays data to the server from now on, in order; 0 ends the delay. */
  delay(ms: number): void;
  /** Delays data from the server, optionally only answers to HTTP requests whose head matches. */
  delayAnswers(ms: number, to?: RegExp): void;
  /** Ends all connections and refuses new ones. */
  cut(): Promise<void>;
  /** Accepts and keeps connections but holds all data back until `heal`. */
  blackhole(): void;
  /** Resets (RST) current connections, optionally only those with a matching HTTP request. New ones are accepted. */
  reset(those?: RegExp): void;
  /** Connects new clients to another server. */
  redirect(targetPort: number): void;
  /** Ends all faults and delivers delayed data at once. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

/** One direction of a connection. */
interface Lane {
  to: Socket;
  /** Delayed chunks, oldest first. */
  late: { chunk: Buffer; timer: NodeJS.Timeout }[];
}

interface Link {
  client: Socket;
  server: Socket;
  questions: Lane;
  answers: Lane;
  /** Head of the latest HTTP request. */
  asked: string;
}

const anything = /(?:)/;

/** Leads to a port on 127.0.0.1. `host`: the address for clients. */
export async function openTcpProxy(targetPort: number, host = '127.0.0.1'): Promise<TcpProxy> {
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
      // After any error the connection is closed; a refusing server looks like one that hangs up.
      socket.on('error', () => undefined);
      if (isBlackhole) socket.pause();
    }
    server.on('close', () => end(link));
    // Data that the client sent before it disconnected is still delivered.
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
    listener.listen(port, host);
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
